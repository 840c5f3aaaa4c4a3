#include "base/exact_math.hpp"

#include <array>
#include <limits>

namespace etalon::exact {
namespace {

// 2^n for normal results.
double power_of_two(std::int64_t n) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

// Nearest integer; adding and taking away 1.5 * 2^52 rounds in the current (nearest-even) mode.
double nearest(double x) {
  constexpr double magic = 6755399441055744.0;
  return (x + magic) - magic;
}

constexpr double ln2_high = 6.93147180369123816490e-01;  // 33 bits: k * ln2_high is exact
constexpr double ln2_low = 1.90821492927058770002e-10;

template <std::size_t N>
double horner(const std::array<double, N>& coefficients, double x) {
  double sum = coefficients[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

// 1/(first)!, 1/(first + step)!, ... with the sign alternating where `alternate`.
template <std::size_t N>
constexpr std::array<double, N> inverse_factorials(int first, int step, bool alternate) {
  std::array<double, N> out{};
  double factorial = 1;
  int reached = 0;
  for (std::size_t i = 0; i < N; ++i) {
    while (reached < first + step * static_cast<int>(i)) factorial *= ++reached;
    out[i] = (alternate && i % 2 == 1 ? -1.0 : 1.0) / factorial;
  }
  return out;
}

}  // namespace

double exp(double x) {
  if (!(x > -700)) return 0;
  if (x > 709) return std::numeric_limits<double>::infinity();
  static constexpr auto series = inverse_factorials<14>(0, 1, false);  // |r| <= 0.347: 1e-18
  const double k = nearest(x * 1.4426950408889634074);
  const double r = (x - k * ln2_high) - k * ln2_low;
  return horner(series, r) * power_of_two(static_cast<std::int64_t>(k));
}

double log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
  double m =
      std::bit_cast<double>((bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL);  // [1, 2)
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 artanh s, |s| <= 0.1716.
  static constexpr std::array<double, 12> series = {2.0,        2.0 / 3.0,  2.0 / 5.0,  2.0 / 7.0,
                                                    2.0 / 9.0,  2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0,
                                                    2.0 / 17.0, 2.0 / 19.0, 2.0 / 21.0, 2.0 / 23.0};
  const double s = (m - 1) / (m + 1);
  const auto k = static_cast<double>(exponent);
  return k * ln2_high + (s * horner(series, s * s) + k * ln2_low);
}

std::pair<double, double> sincos_turns(double t) {
  const double quarters = nearest(t * 4);
  const double r = (t - quarters * 0.25) * (2 * pi);  // |r| <= pi/4
  static constexpr auto sine_series = inverse_factorials<9>(1, 2, true);
  static constexpr auto cosine_series = inverse_factorials<9>(0, 2, true);
  const double sine = r * horner(sine_series, r * r);
  const double cosine = horner(cosine_series, r * r);
  switch (static_cast<std::int64_t>(quarters) & 3) {
    case 0:
      return {sine, cosine};
    case 1:
      return {cosine, -sine};
    case 2:
      return {-sine, -cosine};
    default:
      return {-cosine, sine};
  }
}

double log_factorial(std::uint64_t k) {
  static const auto table = [] {
    std::array<double, 256> sums{};
    for (std::size_t i = 2; i < sums.size(); ++i)
      sums[i] = sums[i - 1] + log(static_cast<double>(i));
    return sums;
  }();
  if (k < table.size()) return table[k];
  // Stirling's series (DLMF 5.11.1) in n = k + 1.
  const double n = static_cast<double>(k) + 1;
  const double inverse = 1 / n;
  const double square = inverse * inverse;
  return (n - 0.5) * log(n) - n + 0.91893853320467274178 +
         inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260)));
}

}  // namespace etalon::exact
