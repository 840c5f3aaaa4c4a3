#include "store/poni.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace etalon {
namespace {

constexpr const char* version2 =
    "# a comment: with a colon\n"
    "poni_version: 2\r\n"
    "Detector: Detector\n"
    "Detector_config: {\"pixel1\": 0.0001, \"pixel2\": 2e-4, \"max_shape\": [300, 200], "
    "\"orientation\": 3}\n"
    "Distance: 0.5\nPoni1: 0.01\nPoni2: 0.02\nRot1: 0.1\nRot2: -0.2\nRot3: 0.3\nWavelength: "
    "1e-10\n";

Geometry images(std::size_t ny = 300, std::size_t nx = 200) {
  Geometry g;
  g.ny = ny;
  g.nx = nx;
  return g;
}

TEST(Poni, ReadsBothVersions) {
  const auto two = parse_poni(version2);
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_EQ(two->distance_m, 0.5);
  EXPECT_EQ(two->pixel1_m, 1e-4);
  EXPECT_EQ(two->pixel2_m, 2e-4);
  EXPECT_EQ(two->ny, 300U);
  EXPECT_EQ(two->nx, 200U);
  EXPECT_EQ(two->rot2, -0.2);
  const auto one =
      parse_poni("PixelSize1: 1e-4\nPixelSize2: 1e-4\nDistance: 0.1\nSplineFile: None\n");
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->pixel1_m, 1e-4);
  EXPECT_EQ(one->wavelength_m, 0);
}

TEST(Poni, TheLastValueCounts) {
  const auto poni = parse_poni("Distance: 1\nPoni1: 5\nDistance: 2\n");
  ASSERT_TRUE(poni.ok());
  EXPECT_EQ(poni->distance_m, 2);
  EXPECT_EQ(poni->poni1_m, 5);
}

// Where a tilted detector is: the PONI at the end of the distance, turned; pixels a size apart and
// perpendicular to the way there.
TEST(Poni, PlacesTheDetector) {
  const auto poni = parse_poni(version2);
  ASSERT_TRUE(poni.ok());
  const auto g = geometry_of(*poni, images());
  ASSERT_TRUE(g.ok()) << g.error().message;
  ASSERT_EQ(g->places.size(), 1U);
  const PanelPlace& place = g->places[0];
  EXPECT_DOUBLE_EQ(g->wavelength_angstrom, 1);
  const Vector3 foot = place.at(0.02 / 2e-4 - 0.5, 0.01 / 1e-4 - 0.5);
  double length = 0, along_x = 0, along_y = 0, x2 = 0, y2 = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    length += foot[k] * foot[k];
    along_x += foot[k] * place.x_step_m[k];
    along_y += foot[k] * place.y_step_m[k];
    x2 += place.x_step_m[k] * place.x_step_m[k];
    y2 += place.y_step_m[k] * place.y_step_m[k];
  }
  EXPECT_NEAR(std::sqrt(length), 0.5, 1e-15);
  EXPECT_NEAR(along_x, 0, 1e-15);
  EXPECT_NEAR(along_y, 0, 1e-15);
  EXPECT_NEAR(std::sqrt(x2), 2e-4, 1e-15);
  EXPECT_NEAR(std::sqrt(y2), 1e-4, 1e-15);

  // pyFAI: a positive rot1 moves the detector to greater x, a positive rot2 to smaller y.
  const auto foot_of = [](const char* rotation) {
    const auto p =
        parse_poni(std::string("PixelSize1: 1e-4\nPixelSize2: 1e-4\nDistance: 1\n") + rotation);
    return geometry_of(*p, images())->places[0].at(-0.5, -0.5);
  };
  EXPECT_NEAR(foot_of("Rot1: 0.1\n")[0], std::sin(0.1), 1e-12);
  EXPECT_NEAR(foot_of("Rot1: 0.1\n")[2], std::cos(0.1), 1e-12);
  EXPECT_NEAR(foot_of("Rot2: 0.1\n")[1], -std::sin(0.1), 1e-12);
}

TEST(Poni, PixelsAreSaidOrKnown) {
  const auto named = parse_poni("Detector: Pilatus2M\nDetector_config: {}\nDistance: 1\n");
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(geometry_of(*named, images())->pixel_size_x_m, 172e-6);
  const auto other = parse_poni("Detector: Frelon\nDetector_config: {}\nDistance: 1\n");
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(geometry_of(*other, images()).error().code, Errc::usage);
  Geometry known = images();
  known.pixel_size_x_m = known.pixel_size_y_m = 5e-5;
  known.wavelength_angstrom = 0.7;
  const auto g = geometry_of(*other, known);
  ASSERT_TRUE(g.ok());
  EXPECT_EQ(g->pixel_size_y_m, 5e-5);
  EXPECT_EQ(g->wavelength_angstrom, 0.7);
  const auto shaped = parse_poni(version2);
  EXPECT_EQ(geometry_of(*shaped, images(200, 300)).error().code, Errc::usage);
}

TEST(Poni, HostileTextIsMalformedAndNamesTheLine) {
  const std::string hostile[] = {"",
                                 "Poni1: 1\n",
                                 "Distance\n",
                                 "Distance: \n",
                                 "Distance: nan\n",
                                 "Distance: 1e999\n",
                                 "Distance: -1\n",
                                 "Distance: 0x1p3\n",
                                 "Distance: 1 m\n",
                                 "Distance: 1\nRot1: inf\n",
                                 "Distance: 1\nPixelSize1: 0\n",
                                 "Distance: 1\nWavelength: -1e-10\n",
                                 "Distance: 1\nSplineFile: a.spline\n",
                                 "Distance: 1\nDetector_config: \n",
                                 "Distance: 1\nDetector_config: {\n",
                                 "Distance: 1\nDetector_config: {\"pixel1\"}\n",
                                 "Distance: 1\nDetector_config: {\"pixel1\": -1}\n",
                                 "Distance: 1\nDetector_config: {\"pixel1\": [1e-4, 1e-4]}\n",
                                 "Distance: 1\nDetector_config: {\"pixel1\": 1e-4} x\n",
                                 "Distance: 1\nDetector_config: {\"pixel1: 1e-4}\n",
                                 "Distance: 1\nDetector_config: {\"max_shape\": [1e9, 3]}\n",
                                 "Distance: 1\nDetector_config: {\"max_shape\": [2.5, 3]}\n",
                                 "Distance: 1\nDetector_config: {\"max_shape\": [3\n",
                                 "Distance: 1\nDetector_config: {\"a\": {\"b\": 1}}\n",
                                 "Distance: 1\nDetector_config: {\"orientation\": 1}\n",
                                 std::string("Distance: 1\nPoni1: 1\0\n", 22),
                                 std::string(std::size_t{2} << 20, 'a')};
  for (const std::string& text : hostile) {
    const auto poni = parse_poni(text);
    ASSERT_FALSE(poni.ok()) << text.substr(0, 60);
    EXPECT_EQ(poni.error().code, Errc::malformed);
  }
  EXPECT_EQ(parse_poni("Distance: 1\n\nRot1: x\n").error().message,
            "line 3: Rot1: 'x' is no number that can stand here");
  EXPECT_EQ(read_poni("/nonexistent.poni").error().code, Errc::missing);
}

}  // namespace
}  // namespace etalon
