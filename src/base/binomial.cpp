#include "base/binomial.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace etalon {
namespace {

// The continued fraction by Lentz's method (Appl. Opt. 15 (1976) 668-671); converges quickly for
// x < (a + 1) / (a + b + 2), in O(sqrt(max(a, b))) steps.
double beta_fraction(double x, double a, double b) {
  constexpr double tiny = std::numeric_limits<double>::min() / 1e-16;
  const auto away_from_0 = [](double v) { return std::abs(v) < tiny ? tiny : v; };
  double c = 1, d = 1 / away_from_0(1 - (a + b) * x / (a + 1)), fraction = d;
  for (int m = 1; m < 1 << 24; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_0(1 + even * d);
    c = away_from_0(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_0(1 + odd * d);
    c = away_from_0(1 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

// The x with I_x(a, b) = p, by halving: it is monotone.
double beta_quantile(double p, double a, double b) {
  double low = 0, high = 1;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = (low + high) / 2;
    (regularized_beta(middle, a, b) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double regularized_beta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const auto log_gamma = [](double v) {
    int sign = 0;
    return ::lgamma_r(v, &sign);  // std::lgamma writes a global
  };
  const double front = std::exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) +
                                b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
  return 1 - front * beta_fraction(1 - x, b, a) / b;
}

Interval clopper_pearson(std::uint64_t k, std::uint64_t n, double confidence) {
  if (n == 0) return {};
  const double tail = (1 - confidence) / 2;
  const auto successes = static_cast<double>(k), failures = static_cast<double>(n - k);
  return {k == 0 ? 0 : beta_quantile(tail, successes, failures + 1),
          k == n ? 1 : beta_quantile(1 - tail, successes + 1, failures)};
}

std::optional<std::uint64_t> trials_needed(double limit, double rate, double confidence) {
  constexpr std::uint64_t most = std::uint64_t{1} << 40;
  if (!(limit > 0) || !(rate < limit)) return {};
  const auto enough = [&](std::uint64_t n) {
    const auto k = static_cast<std::uint64_t>(std::ceil(rate * static_cast<double>(n)));
    return clopper_pearson(std::min(k, n), n, confidence).high <= limit;
  };
  std::uint64_t high = 1;
  while (!enough(high)) {
    high *= 2;
    if (high > most) return {};
  }
  std::uint64_t low = high / 2;  // not enough, or 0
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace etalon
