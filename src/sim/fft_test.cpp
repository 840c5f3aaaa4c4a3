#include "sim/fft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "base/exact_math.hpp"
#include "sim/random.hpp"

namespace etalon {
namespace {

std::vector<double> noise(std::size_t n, std::uint64_t seed) {
  RandomStream random({seed, 0, Purpose::shot});
  std::vector<double> out(n);
  for (double& x : out) x = random.normal();
  return out;
}

TEST(Fft, IsTheSumThatDefinesIt) {
  for (std::size_t n : {1, 2, 3, 4, 5, 6, 7, 8, 12, 24, 30, 49, 64, 97}) {
    const std::vector<double> re = noise(n, 1), im = noise(n, 2);
    std::vector<double> a = re, b = im, work(2 * n);
    Fft(n).transform(a.data(), b.data(), work.data(), 1, Direction::forward);
    for (std::size_t k = 0; k < n; ++k) {
      std::complex<double> sum = 0;
      for (std::size_t j = 0; j < n; ++j)
        sum += std::complex(re[j], im[j]) *
               std::polar(1.0,
                          -2 * exact::pi * static_cast<double>(j * k % n) / static_cast<double>(n));
      EXPECT_NEAR(a[k], sum.real(), 1e-13 * static_cast<double>(n)) << n << " " << k;
      EXPECT_NEAR(b[k], sum.imag(), 1e-13 * static_cast<double>(n)) << n << " " << k;
    }
  }
}

TEST(Fft, ThereAndBackAlongEveryAxis) {
  const Shape shape{6, 5, 16};
  const double n = static_cast<double>(shape.count());
  const std::vector<double> re = noise(shape.count(), 3), im = noise(shape.count(), 4);
  std::vector<double> a = re, b = im;
  Workers one(1), three(3);
  transform(shape, a, b, Direction::forward, one);
  double sum = 0;
  for (double x : re) sum += x;
  EXPECT_NEAR(a[0], sum, 1e-12);
  transform(shape, a, b, Direction::backward, three);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i] / n, re[i], 1e-14);
    EXPECT_NEAR(b[i] / n, im[i], 1e-14);
  }
}

TEST(Fft, SignedFrequencies) {
  EXPECT_EQ(signed_frequency(0, 4), 0);
  EXPECT_EQ(signed_frequency(2, 4), 2);
  EXPECT_EQ(signed_frequency(3, 4), -1);
  EXPECT_EQ(signed_frequency(3, 5), -2);
}

}  // namespace
}  // namespace etalon
