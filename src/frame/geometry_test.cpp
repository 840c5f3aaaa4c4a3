#include "frame/geometry.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "frame/series.hpp"

namespace etalon {
namespace {

Geometry detector() {
  Geometry g;
  g.ny = 30;
  g.nx = 40;
  g.centre_x = 10;
  g.centre_y = 20;
  g.pixel_size_x_m = g.pixel_size_y_m = 75e-6;
  g.distance_m = 0.1;
  g.wavelength_angstrom = 1.3;
  return g;
}

TEST(Geometry, RadiusIsTheDistanceOfPixelCentres) {
  const Geometry g = detector();
  const auto radius = radius_map(g);
  ASSERT_EQ(radius.size(), g.pixels());
  EXPECT_EQ(radius[20 * 40 + 10], 0.0F);
  EXPECT_EQ(radius[20 * 40 + 13], 3.0F);
  EXPECT_EQ(radius[24 * 40 + 13], 5.0F);
  EXPECT_FLOAT_EQ(radius[0], std::sqrt(500.0F));
}

// The left half as it is, the right half turned by 180 degrees and twice as far away.
Geometry two_places() {
  Geometry g = detector();
  g.panels = {{0, 30, 0, 20}, {0, 30, 22, 40}};
  const double pixel = 75e-6;
  g.places = {{{-10 * pixel, -20 * pixel, 0.1}, {pixel, 0, 0}, {0, pixel, 0}},
              {{30 * pixel, 5 * pixel, 0.2}, {-pixel, 0, 0}, {0, -pixel, 0}}};
  return g;
}

TEST(Geometry, PlacesSayWhereTheRaysMeetTheDetector) {
  const Geometry g = two_places(), flat = detector();
  const auto radius = radius_map(g), expected = radius_map(flat);
  for (std::size_t y = 0; y < g.ny; ++y)
    for (std::size_t x = 0; x < g.nx; ++x) {
      const float r = radius[y * g.nx + x];
      const auto fy = static_cast<double>(y), fx = static_cast<double>(x);
      if (x < 20)
        EXPECT_NEAR(r, expected[y * g.nx + x], 1e-4);
      else if (x < 22)
        EXPECT_TRUE(std::isinf(r));
      else
        EXPECT_NEAR(r, std::hypot(30 - (fx - 22), 5 - fy) / 2, 1e-4) << y << ", " << x;
      EXPECT_EQ(static_cast<float>(radius_at(g, fy, fx)), r);
    }
  EXPECT_NEAR(radius_at(g, 20.5, 13.25), std::hypot(0.5, 3.25), 1e-9);
  EXPECT_NEAR(radius_at(flat, 20.5, 13.25), std::hypot(0.5, 3.25), 1e-9);
}

TEST(Geometry, WhatIsNotInFrontOfTheSampleIsInfinitelyFar) {
  Geometry g = two_places();
  g.places[1].origin_m[2] = 0;
  g.places[0].y_step_m[2] = -0.01;  // row 10 and on are behind
  const auto radius = radius_map(g);
  EXPECT_TRUE(std::isinf(radius[30]));
  EXPECT_TRUE(std::isfinite(radius[9 * 40]));
  EXPECT_TRUE(std::isinf(radius[11 * 40]));
}

TEST(Geometry, NoPanelsMeansOne) {
  Geometry g = detector();
  EXPECT_EQ(g.panels_or_whole(), (std::vector<Panel>{{0, 30, 0, 40}}));
  g.panels = {{0, 15, 0, 40}, {15, 30, 0, 40}};
  EXPECT_EQ(g.panels_or_whole(), g.panels);
}

TEST(Geometry, ResolutionFollowsBragg) {
  const Geometry g = detector();
  // At 45 degrees of scattering the radius equals the distance; d = wavelength / (2 sin 22.5 deg).
  const double radius = g.distance_m / g.pixel_size_x_m;
  EXPECT_NEAR(resolution_angstrom(g, radius), 1.3 / (2 * std::sin(M_PI / 8)), 1e-12);
  EXPECT_TRUE(std::isinf(resolution_angstrom(g, 0)));
}

TEST(Geometry, RadiusOfResolutionIsTheInverse) {
  const Geometry g = detector();
  for (double radius : {1.0, 10.0, 500.0, 5000.0})
    EXPECT_NEAR(radius_of_resolution(g, resolution_angstrom(g, radius)), radius, 1e-8 * radius);
  EXPECT_TRUE(std::isinf(radius_of_resolution(g, 0.65)));  // scattered back
}

TEST(Geometry, NexusMaskHasZeroForGood) {
  EXPECT_EQ(mask_from_nexus({0, 1, 256, 0}), (Mask{1, 0, 0, 1}));
}

TEST(Series, WithoutAPixelMaskAllPixelsAreGood) {
  SeriesInfo info;
  info.geometry.ny = 2;
  info.geometry.nx = 3;
  EXPECT_EQ(info.mask(), Mask(6, 1));
  info.pixel_mask = {0, 0, 1, 0, 2, 0};
  EXPECT_EQ(info.mask(), (Mask{1, 1, 0, 1, 0, 1}));
}

}  // namespace
}  // namespace etalon
