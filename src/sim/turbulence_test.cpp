#include "sim/turbulence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/crc32c.hpp"
#include "base/exact_math.hpp"
#include "sim/fft.hpp"

namespace etalon {
namespace {

Array made(const TurbulenceParameters& p, DType dtype = DType::f64, unsigned threads = 1) {
  auto out = turbulence(p, dtype, threads);
  EXPECT_TRUE(out.ok());
  return std::move(out).value();
}

TurbulenceParameters of_shape(Shape shape) {
  TurbulenceParameters p;
  p.shape = shape;
  return p;
}

double laminar(std::size_t j, std::size_t n) {
  const double z = (static_cast<double>(j) + 0.5) / static_cast<double>(n);
  return 4 * z * (1 - z);
}

// Standard deviation of u less the laminar flow in plane j.
double deviation(const Array& u, std::size_t j) {
  const std::size_t plane = u.shape()[1] * u.shape()[2];
  double sum = 0;
  for (double value : u.as<double>().subspan(j * plane, plane)) {
    const double eddy = value - laminar(j, u.shape()[0]);
    sum += eddy * eddy;
  }
  return std::sqrt(sum / static_cast<double>(plane));
}

TEST(Turbulence, IsStrongInTheLayersAndQuietBetween) {
  const TurbulenceParameters p = of_shape({64, 64, 64});
  const Array u = made(p);
  for (std::size_t j : {std::size_t{5}, std::size_t{58}}) {  // d = 0.086, of a layer of 0.12
    const double d = 5.5 / 64 / p.layer, expected = p.intensity / (1 + 5.5 * std::pow(d, 6));
    EXPECT_NEAR(deviation(u, j) / expected, 1, 0.3) << j;
  }
  EXPECT_LT(deviation(u, 32), 1e-4 * p.intensity);
}

TEST(Turbulence, FollowsItsSpectrum) {
  TurbulenceParameters p = of_shape({8, 512, 256});
  p.layer = 0.5;
  const Array u = made(p);
  // Power along x in the planes' waves: the three-dimensional spectrum summed over the other two.
  const auto expected = [&](std::size_t kx) {
    double sum = 0;
    for (std::size_t z = 0; z < 8; ++z)
      for (std::size_t y = 0; y < 512; ++y) {
        const double a = signed_frequency(z, 8), b = signed_frequency(y, 512) / 64;
        const double c = static_cast<double>(kx) / 32;
        sum += std::pow(a * a + b * b + c * c + 4, -11.0 / 6);
      }
    return sum;
  };
  const Fft fft(256);
  std::vector<double> power(129);
  for (std::size_t line = 0; line < 8 * 512; ++line) {
    std::vector<double> re(256), im(256), work(512);
    for (std::size_t x = 0; x < 256; ++x)
      re[x] = u.as<double>()[line * 256 + x] - laminar(line / 512, 8);
    fft.transform(re.data(), im.data(), work.data(), 1, Direction::forward);
    for (std::size_t k = 0; k < power.size(); ++k) power[k] += re[k] * re[k] + im[k] * im[k];
  }
  const auto band = [](auto f, std::size_t low, std::size_t high) {
    double sum = 0;
    for (std::size_t k = low; k < high; ++k) sum += f(k);
    return sum;
  };
  const auto measured = [&](std::size_t k) { return power[k]; };
  const double reference = band(measured, 64, 128) / band(expected, 64, 128);
  for (std::size_t low : {8, 16, 32})
    EXPECT_NEAR(band(measured, low, 2 * low) / band(expected, low, 2 * low) / reference, 1, 0.1)
        << low;
}

// The same on every machine: when these change, so must turbulence_semantics.
TEST(Turbulence, GoldenBytesWhateverTheThreads) {
  EXPECT_EQ(turbulence_semantics, "turbulence/1");
  TurbulenceParameters p = of_shape({24, 32, 15});
  EXPECT_EQ(crc32c(made(p, DType::f32, 1).view().bytes()), 1996007649U);
  EXPECT_EQ(crc32c(made(p, DType::f32, 3).view().bytes()), 1996007649U);
  EXPECT_EQ(crc32c(made(p, DType::f64, 2).view().bytes()), 4261141533U);
  p.seed = 2;
  EXPECT_NE(crc32c(made(p, DType::f32, 1).view().bytes()), 1996007649U);
}

TEST(Turbulence, SenselessParametersAreRefused) {
  const auto refused = [](auto change, DType dtype = DType::f32) {
    TurbulenceParameters p = of_shape({4, 4, 4});
    change(p);
    const auto out = turbulence(p, dtype, 1);
    return !out.ok() && out.error().code == Errc::usage;
  };
  EXPECT_TRUE(refused([](auto& p) { p.shape = {8, 8}; }));
  EXPECT_TRUE(refused([](auto& p) { p.shape = {8, 8, 1}; }));
  EXPECT_TRUE(refused([](auto& p) { p.shape = {1 << 20, 1 << 20, 1 << 20}; }));
  EXPECT_TRUE(refused([](auto& p) { p.layer = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.layer = std::nan(""); }));
  EXPECT_TRUE(refused([](auto& p) { p.intensity = -1; }));
  EXPECT_TRUE(refused([](auto&) {}, DType::u16));
  EXPECT_FALSE(refused([](auto&) {}));
}

}  // namespace
}  // namespace etalon
