// What a spot is and is not, by hand-made images.
#include "kernels/dispersion/dispersion.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/dispersion/dispersion_cases.hpp"

namespace etalon {
namespace {

// A 40 x 50 u16 image of fours and sixes, whose windows scatter less than Poisson's.
struct Plate {
  Geometry geometry;
  Mask mask = Mask(2000, 1);
  DispersionParameters parameters;
  Array image{DType::u16, {40, 50}};

  Plate() {
    geometry.ny = 40;
    geometry.nx = 50;
    for (std::size_t y = 0; y < 40; ++y)
      for (std::size_t x = 0; x < 50; ++x)
        at(y, x) = static_cast<std::uint16_t>(4 + 2 * ((x + y) % 2));
  }
  std::uint16_t& at(std::size_t y, std::size_t x) { return image.as<std::uint16_t>()[y * 50 + x]; }
  void spot(std::size_t y, std::size_t x, std::uint16_t height = 100) {
    at(y, x) = at(y, x + 1) = at(y + 1, x) = at(y + 1, x + 1) = height;
  }
  std::vector<Peak> find() {
    auto finder = Dispersion::create(geometry, mask, parameters);
    EXPECT_TRUE(finder.ok()) << finder.error().message;
    auto peaks = finder->find(image.view());
    EXPECT_TRUE(peaks.ok()) << peaks.error().message;
    return *peaks;
  }
};

class DispersionOfBothKinds : public ::testing::TestWithParam<bool> {
 protected:
  Plate plate() {
    Plate p;
    p.parameters.extended = GetParam();
    return p;
  }
};
std::string kind(const ::testing::TestParamInfo<bool>& test) {
  return test.param ? "extended" : "plain";
}
INSTANTIATE_TEST_SUITE_P(Kinds, DispersionOfBothKinds, ::testing::Bool(), kind);

TEST_P(DispersionOfBothKinds, MeasuresOneSpot) {
  Plate p = plate();
  p.spot(10, 20);
  p.at(11, 21) = 180;
  const auto peaks = p.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_FLOAT_EQ(peaks[0].x, 20 + 280.0F / 480);  // raw weights: 280 of 480 on the far column
  EXPECT_FLOAT_EQ(peaks[0].y, 10 + 280.0F / 480);
  EXPECT_EQ(peaks[0].pixels, 4U);
  // Round it 12 x 12 pixels less four, as many fours as sixes.
  EXPECT_FLOAT_EQ(peaks[0].sigma, 1);
  EXPECT_FLOAT_EQ(peaks[0].intensity, 480 - 4 * 5);
  EXPECT_FLOAT_EQ(peaks[0].max, 175);
  EXPECT_FLOAT_EQ(peaks[0].snr, 460);
}

TEST_P(DispersionOfBothKinds, NothingInAFlatOrEmptyImage) {
  Plate p = plate();
  EXPECT_TRUE(p.find().empty());
  for (auto& v : p.image.as<std::uint16_t>()) v = 0;
  EXPECT_TRUE(p.find().empty());
  p.spot(10, 20);
  p.mask.assign(2000, 0);
  EXPECT_TRUE(p.find().empty());
}

TEST_P(DispersionOfBothKinds, CountsPixelsAgainstBothLimits) {
  Plate p = plate();
  p.spot(10, 20);
  p.parameters.min_pixels = 5;
  EXPECT_TRUE(p.find().empty());
  p.parameters.min_pixels = 1;
  p.parameters.max_pixels = 3;
  EXPECT_TRUE(p.find().empty());
  p.parameters.max_pixels = 4;
  EXPECT_EQ(p.find().size(), 1U);
}

TEST_P(DispersionOfBothKinds, DiagonalPixelsAreTwoSpots) {
  Plate p = plate();
  p.parameters.min_pixels = 1;
  p.at(10, 10) = p.at(11, 11) = 200;
  EXPECT_EQ(p.find().size(), 2U);
}

TEST_P(DispersionOfBothKinds, CentreOfMassIsNearTheLargestPixel) {
  Plate p = plate();
  for (std::size_t x = 10; x < 20; ++x) p.at(10, x) = 100;
  p.at(10, 10) = 150;
  EXPECT_TRUE(p.find().empty());
  p.parameters.max_separation = 5;
  EXPECT_EQ(p.find().size(), 1U);
}

TEST_P(DispersionOfBothKinds, PanelsAreApart) {
  Plate p = plate();
  p.geometry.panels = {{0, 40, 21, 50}, {0, 40, 0, 21}};
  p.parameters.min_pixels = 1;
  p.spot(10, 20);
  const auto peaks = p.find();
  ASSERT_EQ(peaks.size(), 2U);
  EXPECT_FLOAT_EQ(peaks[0].x, 21);  // panel by panel
  EXPECT_FLOAT_EQ(peaks[1].x, 20);
  p.geometry.panels.clear();
  EXPECT_EQ(p.find().size(), 1U);
}

TEST_P(DispersionOfBothKinds, MaskedPixelsNeitherJoinNorCount) {
  Plate p = plate();
  p.spot(10, 20);
  p.at(10, 24) = 60000;
  p.mask[10 * 50 + 24] = 0;
  const auto peaks = p.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_EQ(peaks[0].pixels, 4U);
  EXPECT_NEAR(peaks[0].sigma, 1, 0.01);
}

TEST(Dispersion, ExtendedFindsNothingRightBesideABadPixel) {
  Plate p;
  p.spot(10, 20);
  p.mask[10 * 50 + 22] = 0;
  EXPECT_TRUE(p.find().empty());
  p.parameters.extended = false;
  EXPECT_EQ(p.find().size(), 1U);
}

TEST_P(DispersionOfBothKinds, RadiusLimitsMask) {
  Plate p = plate();
  p.geometry.centre_x = p.geometry.centre_y = 0;
  p.spot(10, 20);
  p.parameters.max_radius = 20;
  EXPECT_TRUE(p.find().empty());
  p.parameters.max_radius = 40;
  EXPECT_EQ(p.find().size(), 1U);
  p.parameters.min_radius = 30;
  EXPECT_TRUE(p.find().empty());
}

TEST_P(DispersionOfBothKinds, ThresholdIsBelowASpot) {
  Plate p = plate();
  p.spot(10, 20);
  p.parameters.threshold = 100;
  EXPECT_TRUE(p.find().empty());
  p.parameters.threshold = 99;
  EXPECT_EQ(p.find().size(), 1U);
}

TEST_P(DispersionOfBothKinds, GainIsUnitsOfTheImageAPhoton) {
  Plate p = plate();
  p.spot(10, 20, 40);
  ASSERT_EQ(p.find().size(), 1U);
  p.parameters.gain = 20;  // two photons among quarter ones: nothing to be sure of
  EXPECT_TRUE(p.find().empty());
  for (auto& v : p.image.as<std::uint16_t>()) v = static_cast<std::uint16_t>(v * 20);
  ASSERT_EQ(p.find().size(), 1U);
  EXPECT_FLOAT_EQ(p.find()[0].max, 35 * 20);
}

TEST_P(DispersionOfBothKinds, MinLocalLeavesOutTheBorder) {
  Plate p = plate();
  p.spot(0, 20);
  EXPECT_EQ(p.find().size(), 1U);
  p.parameters.min_local = 0;
  EXPECT_TRUE(p.find().empty());
  p.spot(20, 20);
  EXPECT_EQ(p.find().size(), 1U);
}

TEST_P(DispersionOfBothKinds, WholeNumbersAsFloatsGiveTheSamePeaks) {
  Plate p = plate();
  p.spot(10, 20);
  p.spot(30, 33, 70);
  const auto whole = p.find();
  Array image(DType::f32, {40, 50});
  for (std::size_t i = 0; i < 2000; ++i) image.as<float>()[i] = p.image.as<std::uint16_t>()[i];
  p.image = image;
  ASSERT_EQ(whole.size(), 2U);
  EXPECT_EQ(p.find(), whole);
  image.as<float>()[10 * 50 + 24] = NAN;
  image.as<float>()[10 * 50 + 25] = INFINITY;
  p.image = image;
  ASSERT_EQ(p.find().size(), 2U);
  EXPECT_EQ(p.find()[0].pixels, 4U);
}

TEST(Dispersion, ExtendedKeepsASpotOutOfItsOwnBackground) {
  Plate p;  // a broad spot, which raises the mean of a 7 x 7 window
  for (std::size_t y = 15; y < 25; ++y)
    for (std::size_t x = 15; x < 25; ++x) {
      const double r2 = std::pow(double(y) - 19.5, 2) + std::pow(double(x) - 19.5, 2);
      p.at(y, x) = static_cast<std::uint16_t>(p.at(y, x) + 100 * std::exp(-r2 / 10));
    }
  ASSERT_EQ(p.find().size(), 1U);
  const std::uint32_t wide = p.find()[0].pixels;
  p.parameters.extended = false;
  ASSERT_EQ(p.find().size(), 1U);
  EXPECT_LT(p.find()[0].pixels + 10, wide);
}

TEST(Dispersion, RefusesSenselessRequests) {
  const auto refused = [](auto&& change) {
    Plate p;
    change(p);
    auto finder = Dispersion::create(p.geometry, p.mask, p.parameters);
    return !finder.ok() && finder.error().code == Errc::usage;
  };
  EXPECT_FALSE(refused([](Plate&) {}));
  EXPECT_TRUE(refused([](Plate& p) { p.mask.resize(10); }));
  EXPECT_TRUE(refused([](Plate& p) { p.geometry.panels = {{0, 41, 0, 50}}; }));
  EXPECT_TRUE(refused([](Plate& p) { p.geometry.panels = {{0, 9, 0, 9}, {8, 9, 8, 9}}; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.kernel_size = {0, 3}; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.kernel_size = {3, 31}; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.sigma_background = NAN; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.sigma_strong = -1; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.gain = 0; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.threshold = -1; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.min_local = 1; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.min_local = 50; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.min_pixels = 0; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.max_separation = NAN; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.max_radius = -1; }));

  auto finder = Dispersion::create(Plate().geometry, Plate().mask, {});
  ASSERT_TRUE(finder.ok());
  for (const Array& image : {Array(DType::u16, {40, 51}), Array(DType::f64, {40, 50})}) {
    const auto peaks = finder->find(image.view());
    ASSERT_FALSE(peaks.ok());
    EXPECT_EQ(peaks.error().code, Errc::malformed);
  }
}

}  // namespace
}  // namespace etalon
