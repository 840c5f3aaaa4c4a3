#include "base/fft.hpp"

#include <algorithm>

#include "base/exact_math.hpp"

namespace etalon {
namespace {

struct Complexes {
  double *re, *im;
};

// One pass of factor 2; `span` numbers lie between neighbours in a transform of what remains.
void pass_of_two(Complexes in, Complexes out, std::size_t m, std::size_t span, const double* cosine,
                 const double* sine, double sign, std::size_t twiddle_step) {
  for (std::size_t p = 0; p < m; ++p) {
    const double c = cosine[p * twiddle_step], s = sign * sine[p * twiddle_step];
    const double *ar = in.re + span * p, *ai = in.im + span * p;
    const double *br = ar + span * m, *bi = ai + span * m;
    double *sr = out.re + span * 2 * p, *si = out.im + span * 2 * p;
    double *dr = sr + span, *di = si + span;
    for (std::size_t q = 0; q < span; ++q) {
      const double x = ar[q] - br[q], y = ai[q] - bi[q];
      sr[q] = ar[q] + br[q];
      si[q] = ai[q] + bi[q];
      dr[q] = x * c - y * s;
      di[q] = x * s + y * c;
    }
  }
}

std::vector<std::size_t> prime_factors(std::size_t n) {
  std::vector<std::size_t> out;
  for (std::size_t f = 2; n > 1; ++f) {
    if (f * f > n) f = n;
    for (; n % f == 0; n /= f) out.push_back(f);
  }
  return out;
}

}  // namespace

Fft::Fft(std::size_t n) : n_(n), factors_(prime_factors(n)), cosine_(n), sine_(n) {
  for (std::size_t k = 0; k < n; ++k) {
    const auto [s, c] = exact::sincos_turns(static_cast<double>(k) / static_cast<double>(n));
    cosine_[k] = c;
    sine_[k] = s;
  }
}

void Fft::transform(double* re, double* im, double* work, std::size_t lanes,
                    Direction direction) const {
  const double sign = direction == Direction::forward ? -1 : 1;
  Complexes in{re, im}, out{work, work + n_ * lanes};
  std::size_t rest = n_, span = lanes;
  for (std::size_t r : factors_) {
    const std::size_t m = rest / r, step = n_ / rest;
    if (r == 2) {
      pass_of_two(in, out, m, span, cosine_.data(), sine_.data(), sign, step);
    } else {
      std::fill_n(out.re, n_ * lanes, 0.0);
      std::fill_n(out.im, n_ * lanes, 0.0);
      for (std::size_t p = 0; p < m; ++p)
        for (std::size_t j = 0; j < r; ++j)
          for (std::size_t k = 0; k < r; ++k) {
            const std::size_t turn = (p * j * step + j * k % r * (n_ / r)) % n_;
            const double c = cosine_[turn], s = sign * sine_[turn];
            const double *ar = in.re + span * (p + m * k), *ai = in.im + span * (p + m * k);
            double *br = out.re + span * (r * p + j), *bi = out.im + span * (r * p + j);
            for (std::size_t q = 0; q < span; ++q) {
              br[q] += ar[q] * c - ai[q] * s;
              bi[q] += ar[q] * s + ai[q] * c;
            }
          }
    }
    rest = m;
    span *= r;
    std::swap(in, out);
  }
  if (in.re == re) return;
  std::copy_n(in.re, n_ * lanes, re);
  std::copy_n(in.im, n_ * lanes, im);
}

}  // namespace etalon
