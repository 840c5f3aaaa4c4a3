// What a spot is and is not, by hand-made images.
#include "kernels/peakfinder8/peakfinder8.hpp"

#include <gtest/gtest.h>

#include "kernels/peakfinder8/peakfinder8_cases.hpp"

namespace etalon {
namespace {

// A 200 x 40 u16 image of ones and twos, so that the background has a width; the beam is far to the
// left, so that a radial bin is nearly a column.
struct Plate {
  Geometry geometry;
  Mask mask = Mask(8000, 1);
  PeakParameters parameters;
  Array image{DType::u16, {200, 40}};

  Plate() {
    geometry.ny = 200;
    geometry.nx = 40;
    geometry.centre_x = -10000;
    geometry.centre_y = 100;
    for (std::size_t y = 0; y < 200; ++y)
      for (std::size_t x = 0; x < 40; ++x) at(y, x) = static_cast<std::uint16_t>(1 + (x + y) % 2);
  }
  std::uint16_t& at(std::size_t y, std::size_t x) { return image.as<std::uint16_t>()[y * 40 + x]; }
  void spot(std::size_t y, std::size_t x, std::uint16_t height = 100) {
    at(y, x) = at(y, x + 1) = at(y + 1, x) = at(y + 1, x + 1) = height;
  }
  std::vector<Peak> find() {
    auto finder = PeakFinder8::create(geometry, mask, parameters);
    EXPECT_TRUE(finder.ok()) << finder.error().message;
    auto peaks = finder->find(image.view());
    EXPECT_TRUE(peaks.ok()) << peaks.error().message;
    return *peaks;
  }
};

TEST(PeakFinder8, MeasuresOneSpot) {
  Plate plate;
  plate.spot(10, 20);
  plate.at(11, 21) = 180;
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 1U);
  // Centre of mass with raw weights: (100 + 180) of 480 on the far row and column.
  EXPECT_FLOAT_EQ(peaks[0].x, 20 + 280.0F / 480);
  EXPECT_FLOAT_EQ(peaks[0].y, 10 + 280.0F / 480);
  EXPECT_EQ(peaks[0].pixels, 4U);
  // Round (11, 21) as many ones as twos but for a few.
  EXPECT_NEAR(peaks[0].sigma, 0.5F, 0.003);
  EXPECT_NEAR(peaks[0].intensity, 480 - 4 * 1.5, 0.3);
  EXPECT_NEAR(peaks[0].max, 180 - 1.5, 0.1);
  EXPECT_FLOAT_EQ(peaks[0].snr, peaks[0].intensity / peaks[0].sigma);
}

TEST(PeakFinder8, NothingInAFlatOrEmptyImage) {
  Plate plate;
  EXPECT_TRUE(plate.find().empty());
  for (auto& v : plate.image.as<std::uint16_t>()) v = 700;
  EXPECT_TRUE(plate.find().empty());
  plate.mask.assign(8000, 0);
  EXPECT_TRUE(plate.find().empty());
}

TEST(PeakFinder8, CountsPixelsAgainstBothLimits) {
  Plate plate;
  plate.spot(10, 20);
  plate.parameters.min_pixels = 5;
  EXPECT_TRUE(plate.find().empty());
  plate.parameters = {};
  plate.parameters.max_pixels = 3;
  EXPECT_TRUE(plate.find().empty());
  plate.parameters.max_pixels = 4;
  EXPECT_EQ(plate.find().size(), 1U);
}

TEST(PeakFinder8, RejectedGroupDoesNotHideItsNeighbour) {
  Plate plate;
  for (std::size_t x = 5; x < 35; ++x) plate.at(10, x) = 200;
  plate.spot(12, 20);
  plate.parameters.max_pixels = 20;
  ASSERT_EQ(plate.find().size(), 1U);
  EXPECT_FLOAT_EQ(plate.find()[0].y, 12.5F);
}

TEST(PeakFinder8, DiagonalPixelsAreOneSpot) {
  Plate plate;
  plate.at(10, 10) = plate.at(11, 11) = plate.at(12, 10) = 90;
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_EQ(peaks[0].pixels, 3U);
}

TEST(PeakFinder8, BorderPixelsJoinButDoNotStart) {
  Plate plate;
  plate.at(0, 10) = plate.at(0, 11) = 90;  // only border
  EXPECT_TRUE(plate.find().empty());
  plate.at(1, 11) = 90;
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_EQ(peaks[0].pixels, 3U);
}

TEST(PeakFinder8, PanelsAreApart) {
  Plate plate;
  plate.geometry.panels = {{0, 200, 0, 20}, {0, 200, 20, 40}};
  plate.spot(10, 18);
  plate.spot(10, 20);
  EXPECT_TRUE(plate.find().size() == 2);
  plate.geometry.panels.clear();
  ASSERT_EQ(plate.find().size(), 1U);
  EXPECT_EQ(plate.find()[0].pixels, 8U);
}

TEST(PeakFinder8, PeaksComePanelByPanelThenRowMajor) {
  Plate plate;
  plate.geometry.panels = {{0, 200, 20, 40}, {0, 200, 0, 20}};
  plate.spot(5, 5);
  plate.spot(30, 30);
  plate.spot(20, 24);
  plate.spot(20, 34);
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 4U);
  EXPECT_FLOAT_EQ(peaks[0].x, 24.5F);
  EXPECT_FLOAT_EQ(peaks[1].x, 34.5F);
  EXPECT_FLOAT_EQ(peaks[2].y, 30.5F);
  EXPECT_FLOAT_EQ(peaks[3].x, 5.5F);
}

TEST(PeakFinder8, OnePixelWidePanelsHoldNoPeaks) {
  Plate plate;
  plate.geometry.panels = {{0, 200, 0, 19}, {0, 200, 19, 20}, {0, 200, 20, 40}};
  for (std::size_t y = 10; y < 13; ++y) plate.at(y, 19) = 300;
  EXPECT_TRUE(plate.find().empty());
}

TEST(PeakFinder8, PixelsOutsideAllPanelsAreNotLookedAt) {
  Plate plate;
  plate.geometry.panels = {{0, 200, 0, 20}};
  plate.spot(10, 30);
  plate.spot(10, 5);
  ASSERT_EQ(plate.find().size(), 1U);
  EXPECT_FLOAT_EQ(plate.find()[0].x, 5.5F);
}

TEST(PeakFinder8, MaskedPixelsNeitherJoinNorCount) {
  Plate plate;
  plate.spot(10, 20);
  plate.at(10, 22) = 60000;  // a hot pixel beside the spot
  plate.mask[10 * 40 + 22] = 0;
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_EQ(peaks[0].pixels, 4U);
  EXPECT_NEAR(peaks[0].sigma, 0.5F, 0.003);
}

TEST(PeakFinder8, RadiusLimitsMask) {
  Plate plate;
  plate.spot(10, 20);
  plate.parameters.max_radius = 10019;
  EXPECT_TRUE(plate.find().empty());
  plate.parameters.max_radius = 10030;
  EXPECT_EQ(plate.find().size(), 1U);
  plate.parameters.min_radius = 10023;
  EXPECT_TRUE(plate.find().empty());
}

TEST(PeakFinder8, SaturatedSpotsAreFound) {
  Plate plate;
  plate.spot(10, 20, 65535);
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_NEAR(peaks[0].max, 65535 - 1.5, 0.1);
}

TEST(PeakFinder8, BackgroundOfNothingFallsBackToTheRadialMean) {
  Plate plate;
  plate.spot(10, 20);
  for (std::size_t y = 0; y < 25; ++y)
    for (std::size_t x = 10; x < 32; ++x)
      if (!((y == 10 || y == 11) && (x == 20 || x == 21))) plate.mask[y * 40 + x] = 0;
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_FLOAT_EQ(peaks[0].sigma, 0.01F);
  EXPECT_NEAR(peaks[0].intensity, 400 - 4 * 1.5, 0.5);
}

TEST(PeakFinder8, NotANumberIsABadPixel) {
  Plate plate;
  plate.spot(10, 20);
  const auto whole = plate.find();
  Array image(DType::f32, {200, 40});
  for (std::size_t i = 0; i < 8000; ++i) image.as<float>()[i] = plate.image.as<std::uint16_t>()[i];
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (std::size_t x = 0; x < 19; ++x) image.as<float>()[30 * 40 + x] = x % 3 ? NAN : -inf;
  image.as<float>()[10 * 40 + 22] = inf;
  plate.mask[10 * 40 + 22] = 0;
  const auto expected = plate.find();
  plate.mask[10 * 40 + 22] = 1;
  plate.image = image;
  const auto peaks = plate.find();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_EQ(peaks[0].pixels, expected[0].pixels);
  EXPECT_FLOAT_EQ(peaks[0].sigma, expected[0].sigma);
  EXPECT_FLOAT_EQ(peaks[0].intensity, expected[0].intensity);
}

TEST(PeakFinder8, WholeNumbersAsFloatsGiveTheSamePeaks) {
  const pf8::Case c = pf8::serial_case(128, 128, 12, 3);
  Array image(DType::f32, {128, 128});
  for (std::size_t i = 0; i < image.count(); ++i)
    image.as<float>()[i] = c.image.as<std::uint16_t>()[i];
  auto finder = PeakFinder8::create(c.geometry, c.mask, c.parameters);
  ASSERT_TRUE(finder.ok());
  const auto counts = *finder->find(c.image.view()), floats = *finder->find(image.view());
  ASSERT_GE(counts.size(), 5U);
  EXPECT_EQ(counts, floats);
}

TEST(PeakFinder8, CopiesAreIndependent) {
  Plate plate;
  plate.spot(10, 20);
  auto finder = PeakFinder8::create(plate.geometry, plate.mask, plate.parameters);
  ASSERT_TRUE(finder.ok());
  PeakFinder8 copy = *finder;
  const auto first = *finder->find(plate.image.view());
  EXPECT_EQ(first, *copy.find(plate.image.view()));
  EXPECT_EQ(first, *finder->find(plate.image.view()));  // nothing stays from frame to frame
}

TEST(PeakFinder8, RefusesPanelsThatLieWorldsApart) {
  Geometry g;
  g.ny = 20;
  g.nx = 40;
  g.distance_m = 0.1;
  g.pixel_size_x_m = g.pixel_size_y_m = 1e-4;
  g.panels = {{0, 20, 0, 20}, {0, 20, 20, 40}};
  const PanelPlace near{{0, 0, 0.1}, {1e-4, 0, 0}, {0, 1e-4, 0}};
  const auto refused = [&](const Vector3& origin_m) {
    g.places = {near, {origin_m, {1e-4, 0, 0}, {0, 1e-4, 0}}};
    const auto made = PeakFinder8::create(g, Mask(800, 1), {});
    return !made.ok() && made.error().code == Errc::usage;
  };
  EXPECT_FALSE(refused({0.01, 0, 0.1}));
  EXPECT_TRUE(refused({1e4, 0, 0.1}));     // 10^8 pixels away
  EXPECT_TRUE(refused({1, 0, 1e-5}));      // hardly in front of the sample
  EXPECT_FALSE(refused({1e300, 0, 0.1}));  // beyond max_radius: not looked at
}

TEST(PeakFinder8, RefusesSenselessRequests) {
  const auto refused = [](auto&& change) {
    Plate plate;
    change(plate);
    auto finder = PeakFinder8::create(plate.geometry, plate.mask, plate.parameters);
    return !finder.ok() && finder.error().code == Errc::usage;
  };
  EXPECT_TRUE(refused([](Plate& p) { p.mask.resize(10); }));
  EXPECT_TRUE(refused([](Plate& p) { p.geometry.ny = 0; }));
  EXPECT_TRUE(refused([](Plate& p) { p.geometry.centre_x = NAN; }));
  EXPECT_TRUE(refused([](Plate& p) { p.geometry.panels = {{0, 201, 0, 40}}; }));
  EXPECT_TRUE(refused([](Plate& p) { p.geometry.panels = {{3, 3, 0, 40}}; }));
  EXPECT_TRUE(refused([](Plate& p) { p.geometry.panels = {{0, 9, 0, 9}, {8, 9, 8, 9}}; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.snr = -1; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.threshold = NAN; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.min_pixels = 0; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.max_pixels = 1; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.local_radius = 0; }));
  EXPECT_TRUE(refused([](Plate& p) { p.parameters.max_radius = -1; }));

  Plate plate;
  auto finder = PeakFinder8::create(plate.geometry, plate.mask, plate.parameters);
  ASSERT_TRUE(finder.ok());
  for (const Array& image : {Array(DType::u16, {200, 41}), Array(DType::f64, {200, 40}),
                             Array(DType::u16, {1, 200, 40})}) {
    const auto peaks = finder->find(image.view());
    ASSERT_FALSE(peaks.ok());
    EXPECT_EQ(peaks.error().code, Errc::malformed);
  }
}

}  // namespace
}  // namespace etalon
