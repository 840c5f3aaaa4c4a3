// A phantom's exact projections, reconstructed: the simulator's and the analysis' definitions meet
// only here.
#include "analyse/tomography.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "sim/phantom.hpp"

namespace etalon {
namespace {

constexpr std::size_t columns = 160, angles = 240;
constexpr double pi = 3.14159265358979323846;

std::vector<double> half_turn(std::size_t n, bool closed = false) {
  std::vector<double> all;
  for (std::size_t i = 0; i < n; ++i)
    all.push_back(pi * static_cast<double>(i) / static_cast<double>(closed ? n - 1 : n));
  return all;
}

// In absorption a pixel: lengths are in pixels. The phantom fills 0.9 of the width.
constexpr double scale = 0.9 * columns / 2;

std::vector<float> sinogram_of(const std::vector<double>& thetas, double centre) {
  std::vector<float> sinogram;
  for (const double theta : thetas)
    for (std::size_t x = 0; x < columns; ++x)
      sinogram.push_back(static_cast<float>(
          scale * line_integral(shepp_logan(), theta, (static_cast<double>(x) - centre) / scale)));
  return sinogram;
}

// Root mean square difference to the phantom within its skull.
double error_of(const std::vector<float>& slice) {
  const double middle = (columns - 1) / 2.0;
  double sum = 0, n = 0;
  for (std::size_t y = 0; y < columns; ++y)
    for (std::size_t x = 0; x < columns; ++x) {
      const double u = (static_cast<double>(x) - middle) / scale,
                   v = (middle - static_cast<double>(y)) / scale;
      if (u * u / (0.6 * 0.6) + v * v / (0.8 * 0.8) > 1) continue;
      double value = 0;
      for (const Ellipse& e : shepp_logan()) {
        const double c = std::cos(e.angle_rad), s = std::sin(e.angle_rad);
        const double a = ((u - e.x) * c + (v - e.y) * s) / e.a,
                     b = ((v - e.y) * c - (u - e.x) * s) / e.b;
        if (a * a + b * b < 1) value += e.value;
      }
      const double off = static_cast<double>(slice[y * columns + x]) - value;
      sum += off * off;
      ++n;
    }
  return std::sqrt(sum / n);
}

TEST(Tomography, APhantomComesBack) {
  for (const double centre : {79.5, 74.25, 86.0}) {
    const auto thetas = half_turn(angles);
    const auto sinogram = sinogram_of(thetas, centre);
    for (const RampFilter filter : {RampFilter::ramp, RampFilter::shepp_logan, RampFilter::hann}) {
      auto projection = BackProjection::create(thetas, columns, centre, filter);
      ASSERT_TRUE(projection.ok());
      EXPECT_LT(error_of(projection->slice(sinogram)), 0.03) << centre;
    }
    auto wrong = BackProjection::create(thetas, columns, centre + 3, RampFilter::ramp);
    EXPECT_GT(error_of(wrong->slice(sinogram)), 0.05);
  }
}

TEST(Tomography, ItsMeanIsRight) {
  const auto thetas = half_turn(angles);
  const auto sinogram = sinogram_of(thetas, 79.5);
  auto projection = BackProjection::create(thetas, columns, 79.5, RampFilter::ramp);
  double sum = 0, expected = 0;
  for (const float v : projection->slice(sinogram)) sum += static_cast<double>(v);
  for (const Ellipse& e : shepp_logan()) expected += e.value * pi * e.a * e.b * scale * scale;
  EXPECT_NEAR(sum / expected, 1, 0.01);
}

TEST(Tomography, TheAxisIsFound) {
  std::mt19937 random(5);
  std::normal_distribution<float> noise(0, 0.3F);
  for (const double centre : {79.5, 75.3, 84.8})
    for (const bool closed : {true, false}) {  // with and without a pair half a turn apart
      const auto thetas = half_turn(121, closed);
      auto sinogram = sinogram_of(thetas, centre);
      for (float& v : sinogram) v += noise(random);
      const auto found = find_centre(sinogram, thetas, columns);
      ASSERT_TRUE(found.ok());
      EXPECT_NEAR(*found, centre, 0.3) << closed;
    }
}

TEST(Tomography, RingsGo) {
  const auto thetas = half_turn(angles);
  auto sinogram = sinogram_of(thetas, 79.5);
  auto projection = BackProjection::create(thetas, columns, 79.5, RampFilter::shepp_logan);
  const double clean = error_of(projection->slice(sinogram));
  for (std::size_t i = 0; i < sinogram.size(); ++i) {
    if (i % columns == 60) sinogram[i] += 6.0F;
    if (i % columns == 91) sinogram[i] -= 5.0F;
  }
  const double ringed = error_of(projection->slice(sinogram));
  remove_rings(sinogram, columns);
  const double mended = error_of(projection->slice(sinogram));
  EXPECT_GT(ringed, 1.3 * clean);
  EXPECT_LT(mended, clean + 0.25 * (ringed - clean)) << clean << " " << ringed;
}

TEST(Tomography, SharesBecomeAbsorption) {
  const float nan = std::nanf("");
  std::vector<float> shares = {1,   std::exp(-1.0F), 0,  nan, 0.5F, nan, nan,
                               nan, std::exp(-2.0F), nan};
  to_absorption(shares, 5, std::exp(-5.0F));
  const std::vector<float> expected = {0, 1, 5, (5 + std::log(2.0F)) / 2, std::log(2.0F), 2, 2,
                                       2, 2, 2};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(shares[i], expected[i], 1e-5) << i;
}

TEST(Tomography, WhatMakesNoSenseIsSaid) {
  EXPECT_EQ(BackProjection::create({0}, 100, 50, RampFilter::ramp).error().code, Errc::usage);
  EXPECT_EQ(BackProjection::create({0, 1}, 3, 1, RampFilter::ramp).error().code, Errc::usage);
  EXPECT_EQ(BackProjection::create({0, 1}, 100, 100, RampFilter::ramp).error().code, Errc::usage);
  EXPECT_EQ(BackProjection::create({0, std::nan("")}, 100, 50, RampFilter::ramp).error().code,
            Errc::usage);
  EXPECT_EQ(parse_ramp_filter("ram").error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
