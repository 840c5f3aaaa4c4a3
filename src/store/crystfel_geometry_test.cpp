#include "store/crystfel_geometry.hpp"

#include <gtest/gtest.h>

#include "store/folder_test.hpp"

namespace etalon {
namespace {

constexpr const char* two_panels = R"(; two panels side by side, the second turned by 180 degrees
photon_energy = 9500 eV
clen = 118.5 mm
res = 10000 ; pixels of 100 um
data = /entry/data/data
dim0 = %
rigid_group_q0 = a, b
group_all = q0

a/min_fs = 0
a/max_fs = 9
a/min_ss = 0
a/max_ss = 4
a/corner_x = -11.5
a/corner_y = 2
a/fs = +x
a/ss = +y
b/min_fs = 10
b/max_fs = 19
b/min_ss = 0
b/max_ss = 4
b/corner_x = 12
b/corner_y = -3.25
b/fs = -0.6x + 0.8y
b/ss = -0.8x -.6y+1e-3z
b/coffset = 0.0015

badpixels/panel = a
badpixels/min_fs = 2
badpixels/max_fs = 3
badpixels/min_ss = 1
badpixels/max_ss = 1
badbeam/min_x = -11.5
badbeam/max_x = -10
badbeam/min_y = 2
badbeam/max_y = 2.75
)";

TEST(CrystfelGeometry, ReadsPanelsAndWhatHoldsForAll) {
  const auto read = parse_crystfel_geometry(two_panels);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->photon_energy_ev, 9500);
  EXPECT_EQ(read->data, "/entry/data/data");
  EXPECT_EQ(read->groups.at("q0"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read->groups.at("all"), (std::vector<std::string>{"q0"}));
  EXPECT_EQ(read->ny, 5U);
  EXPECT_EQ(read->nx, 20U);
  ASSERT_EQ(read->panels.size(), 2U);
  const PlacedPanel &a = read->panels[0], &b = read->panels[1];
  EXPECT_EQ(a.area, (Panel{0, 5, 0, 10}));
  EXPECT_EQ(b.area, (Panel{0, 5, 10, 20}));
  EXPECT_EQ(b.fs, (Vector3{-0.6, 0.8, 0}));
  EXPECT_EQ(b.ss, (Vector3{-0.8, -0.6, 1e-3}));
  EXPECT_DOUBLE_EQ(a.distance_m, 0.1185);
  EXPECT_DOUBLE_EQ(b.distance_m, 0.12);
  // The centre of a's first pixel, and of b's pixel (1, 12): 2.5 along fs, 1.5 along ss.
  const Vector3 first = a.position_m(0, 0), other = b.position_m(1, 12);
  EXPECT_DOUBLE_EQ(first[0], -11e-4);
  EXPECT_DOUBLE_EQ(first[1], 2.5e-4);
  EXPECT_DOUBLE_EQ(first[2], 0.1185);
  EXPECT_NEAR(other[0], (12 - 1.5 - 1.2) * 1e-4, 1e-15);
  EXPECT_NEAR(other[1], (-3.25 + 2 - 0.9) * 1e-4, 1e-15);
  EXPECT_NEAR(other[2], 0.12 + 1.5e-7, 1e-15);
}

TEST(CrystfelGeometry, MaskLeavesOutGapsAndBadRegions) {
  const auto read = parse_crystfel_geometry(two_panels);
  ASSERT_TRUE(read.ok());
  const auto mask = read->mask(6, 21);
  ASSERT_TRUE(mask.ok());
  for (std::size_t y = 0; y < 6; ++y)
    for (std::size_t x = 0; x < 21; ++x) {
      const bool outside = y == 5 || x == 20;
      const bool by_panel = y == 1 && (x == 2 || x == 3);
      const bool by_place = y == 0 && (x == 0 || x == 1);  // centres at -11 and -10 by 2.5
      EXPECT_EQ((*mask)[y * 21 + x], !(outside || by_panel || by_place)) << y << ", " << x;
    }
  EXPECT_EQ(read->mask(4, 21).error().code, Errc::usage);
}

TEST(CrystfelGeometry, PlacesPanelsInASeries) {
  const auto read = parse_crystfel_geometry(two_panels);
  ASSERT_TRUE(read.ok());
  Geometry series;
  series.ny = 5;
  series.nx = 20;
  const auto g = read->placed_in(series);
  ASSERT_TRUE(g.ok()) << g.error().message;
  EXPECT_EQ(g->panels, (std::vector<Panel>{{0, 5, 0, 10}, {0, 5, 10, 20}}));
  ASSERT_EQ(g->places.size(), 2U);
  EXPECT_DOUBLE_EQ(g->distance_m, (0.1185 + 0.12) / 2);
  EXPECT_DOUBLE_EQ(g->pixel_size_x_m, 1e-4);
  EXPECT_NEAR(g->wavelength_angstrom, 12398.4198 / 9500, 1e-7);
  for (std::size_t i = 0; i < 2; ++i)
    for (const double y : {0.0, 4.0})
      for (const double x : {0.0, 9.0}) {
        const Vector3 expected = read->panels[i].position_m(y, 10 * static_cast<double>(i) + x);
        const Vector3 at = g->places[i].at(x, y);
        for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(at[k], expected[k], 1e-15);
      }
  // What the series knows holds.
  series.distance_m = 0.3;
  series.wavelength_angstrom = 1;
  EXPECT_EQ(read->placed_in(series)->distance_m, 0.3);
  EXPECT_EQ(read->placed_in(series)->wavelength_angstrom, 1);
  series.nx = 19;
  EXPECT_EQ(read->placed_in(series).error().code, Errc::usage);
}

TEST(CrystfelGeometry, ErrorsNameTheLine) {
  const std::string good = two_panels;
  const auto expect = [&](const std::string& text, std::string_view part) {
    expect_error(parse_crystfel_geometry(text), Errc::malformed, {part});
  };
  expect("", "no panel");
  expect("res = 1\na/min_fs : 0\n", "line 2: 'a/min_fs : 0'");
  expect("a/min_fs = ten\n", "line 1: a/min_fs: 'ten'");
  expect("a/min_fs =\n", "has no value");
  expect("a/fs = 1x 2y\n", "a sign is missing");
  expect("a/fs = 3\n", "no direction");
  expect("clen = 3 furlongs\n", "'3 furlongs'");
  expect(good + "c/min_fs = 0\n", "panel c: min_fs");
  expect(good + "a/max_fs = 1e9\n", "panel a: min_fs");
  expect(good + "a/min_ss = 0.5\n", "panel a: min_fs");
  expect(good + "a/res = 0\n", "panel a: no res");
  expect(good + "badpixels/panel = z\n", "no panel z");
  expect(good + "badpixels/min_x = 0\n", "mixes");
  EXPECT_TRUE(parse_crystfel_geometry(good + "clen = /LCLS/detector_1/EncoderValue\n").ok());
  expect_error(read_crystfel_geometry("/none.geom"), Errc::missing, {"none.geom"});
}

}  // namespace
}  // namespace etalon
