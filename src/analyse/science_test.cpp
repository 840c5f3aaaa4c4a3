#include "analyse/science.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace etalon {
namespace {

Geometry image_geometry(std::size_t ny, std::size_t nx) {
  Geometry geometry;
  geometry.ny = ny;
  geometry.nx = nx;
  geometry.centre_x = static_cast<double>(nx) / 2;
  geometry.centre_y = static_cast<double>(ny) / 2;
  return geometry;
}

template <typename T>
Array flat(std::size_t ny, std::size_t nx, T value) {
  Array image(DTypeOf<T>::value, {ny, nx});
  for (T& pixel : image.as<T>()) pixel = value;
  return image;
}

template <typename T>
void put_spot(Array& image, std::size_t y, std::size_t x, T height) {
  const auto pixels = image.as<T>();
  for (std::size_t dy = 0; dy < 2; ++dy)
    for (std::size_t dx = 0; dx < 2; ++dx)
      pixels[(y + dy) * image.shape()[1] + x + dx] =
          static_cast<T>(pixels[(y + dy) * image.shape()[1] + x + dx] + height);
}

Peak peak_at(double x, double y) {
  Peak peak;
  peak.x = static_cast<float>(x);
  peak.y = static_cast<float>(y);
  return peak;
}

TEST(SpotSum, TakesTheRingsMeanAway) {
  Array image = flat<std::uint16_t>(20, 20, 3);
  put_spot<std::uint16_t>(image, 9, 9, 10);
  const auto sum = sum_spot(image.view(), {}, 9.4, 9.4, strong_aperture);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->signal_pixels, 25U);
  EXPECT_EQ(sum->ring_pixels, 56U);
  EXPECT_EQ(sum->net(), 40);
  EXPECT_DOUBLE_EQ(sum->sigma(1), std::sqrt(115 + 25.0 * 25 / (56 * 56) * 168));
  EXPECT_DOUBLE_EQ(sum->sigma(4), 2 * sum->sigma(1));
  EXPECT_DOUBLE_EQ(strong_aperture.noise_pixels(), 25 + 625.0 / 56);
}

TEST(SpotSum, NeedsItsPixels) {
  Array image = flat<float>(20, 20, 1);
  Mask mask(400, 1);
  EXPECT_TRUE(sum_spot(image.view(), mask, 2, 10, strong_aperture));
  EXPECT_FALSE(sum_spot(image.view(), mask, 1, 10, strong_aperture));  // leaves the image
  EXPECT_FALSE(sum_spot(image.view(), mask, 0, 0, weak_aperture));
  EXPECT_FALSE(sum_spot(image.view(), mask, NAN, 0, weak_aperture));
  EXPECT_FALSE(sum_spot(image.view(), mask, 1e30, 4, weak_aperture));
  mask[10 * 20 + 13] = 0;  // in the ring
  EXPECT_EQ(sum_spot(image.view(), mask, 10, 10, strong_aperture)->ring_pixels, 55U);
  mask[10 * 20 + 11] = 0;
  EXPECT_FALSE(sum_spot(image.view(), mask, 10, 10, strong_aperture));
  image.as<float>()[10 * 20 + 4] = NAN;
  EXPECT_FALSE(sum_spot(image.view(), mask, 4, 10, strong_aperture));
}

TEST(RunningMean, IsThatOfTheNumbers) {
  RunningMean mean;
  for (const double value : {1e9 + 1, 1e9 + 2, 1e9 + 6}) mean.add(value);
  EXPECT_EQ(mean.n(), 3U);
  EXPECT_DOUBLE_EQ(mean.mean(), 1e9 + 3);
  EXPECT_DOUBLE_EQ(mean.sigma(), std::sqrt(7.0));
  EXPECT_DOUBLE_EQ(mean.error(), std::sqrt(7.0 / 3));
}

TEST(Places, AreReadFromText) {
  const auto table = PlaceTable::parse("# y, frame ,x\r\n1.5,0,2\n\n-4,7,1e2\n0,7,0\n");
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_TRUE(table->by_frame());
  EXPECT_EQ(table->places(), 3U);
  ASSERT_EQ(table->of_frame(7).size(), 2U);
  EXPECT_EQ(table->of_frame(7)[0], (Place{100, -4}));
  EXPECT_TRUE(table->of_frame(1).empty());
  const auto all = PlaceTable::parse("x,y\n1,2\n");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->of_frame(99).size(), 1U);
  for (const char* bad :
       {"", "\n", "a,b\n", "x,y\n1\n", "x,y\nnan,1\n", "x,y\n1,2e999\n", "frame,x,y\n-1,0,0\n",
        "frame,x,y\n0.5,0,0\n", "frame,x,y\n1e300,0,0\n", "x,y\n1,2;\n"}) {
    const auto refused = PlaceTable::parse(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code, Errc::malformed);
  }
  EXPECT_NE(PlaceTable::parse("x,y\n1,2\n1,b\n").error().message.find("line 3"), std::string::npos);
}

TEST(MatchedPeaks, TakesEachOnceNearestFirst) {
  const std::vector<Peak> raw = {peak_at(10, 10), peak_at(12, 10), peak_at(50, 50)};
  EXPECT_EQ(matched_peaks(raw, raw), 3U);
  EXPECT_EQ(matched_peaks(raw, {}), 0U);
  // 11.4 is within reach of both, and taken by the nearer; 8.6 is left for the other.
  const std::vector<Peak> other = {peak_at(11.4, 10), peak_at(8.6, 10), peak_at(50, 51.6)};
  EXPECT_EQ(matched_peaks(raw, other), 2U);
  const std::vector<Peak> edge = {peak_at(50, 51.5)};
  EXPECT_EQ(matched_peaks(raw, edge), 1U);
}

// Poisson background with bright spots on a grid, and a weak one of 4 x 3 photons at `weak`.
class ScienceFrames : public testing::Test {
 protected:
  static constexpr std::size_t ny = 160, nx = 200;

  Array raw(unsigned seed) const {
    std::mt19937 random(seed);
    Array image(DType::u16, {ny, nx});
    std::poisson_distribution<int> background(2.0);
    for (std::uint16_t& pixel : image.as<std::uint16_t>())
      pixel = static_cast<std::uint16_t>(background(random));
    for (std::size_t y = 20; y < 140; y += 30)
      for (std::size_t x = 20; x < 180; x += 30) put_spot<std::uint16_t>(image, y, x, 60);
    for (const Place& place : weak_)
      put_spot<std::uint16_t>(image, static_cast<std::size_t>(place.y),
                              static_cast<std::size_t>(place.x), 3);
    return image;
  }
  ScienceJudge judge() const {
    auto made = ScienceJudge::create(image_geometry(ny, nx), Mask(ny * nx, 1), ScienceSettings{});
    EXPECT_TRUE(made.ok());
    return *made;
  }
  // Frames 0..n-1, each reduced by `reduce`.
  template <typename F>
  ScienceReport judged(std::size_t n, F&& reduce, bool with_places = true) const {
    ScienceJudge own = judge();
    ScienceTally tally(own.settings(), with_places);
    for (std::size_t frame = 0; frame < n; ++frame) {
      const Array before = raw(static_cast<unsigned>(frame));
      const auto look = own.look_at_raw(before.view(), with_places ? weak_ : std::vector<Place>{});
      EXPECT_TRUE(look.ok());
      std::optional<FrameLook> after;
      if (std::optional<Array> image = reduce(frame, before))
        after = *own.look_at_reduced(image->view(), *look);
      tally.add(frame, *look, after);
    }
    return tally.report();
  }

  const std::vector<Place> weak_ = {{35, 35}, {65, 35}, {95, 65}, {125, 95}, {155, 125}};
};

TEST_F(ScienceFrames, NothingIsLostWithoutReduction) {
  const auto report =
      judged(6, [](std::size_t, const Array& before) { return std::optional<Array>(before); });
  EXPECT_EQ(report.frames, 6U);
  EXPECT_EQ(report.compared, 6U);
  EXPECT_EQ(report.raw_peaks, 6 * 24U);
  EXPECT_EQ(report.peaks_kept, report.raw_peaks);
  EXPECT_EQ(report.peaks_invented(), 0U);
  EXPECT_EQ(report.hits_kept.size(), 6U);
  EXPECT_EQ(report.weak.places, 30U);
  EXPECT_EQ(report.weak.raw.n(), 30U);
  const auto metrics = report.metrics();
  EXPECT_EQ(metrics.at("peaks"), 1);
  EXPECT_EQ(metrics.at("hits"), 1);
  for (const char* zero : {"peaks_invented", "hits_invented", "strong_bias", "strong_scatter",
                           "weak_bias", "radial_chi2"})
    EXPECT_EQ(metrics.at(zero), 0) << zero;
}

TEST_F(ScienceFrames, EachHarmIsSeen) {
  // Every fourth bright spot of frame 0 vanishes, another appears; frame 1 has none left; frame 2
  // was left out; weak spots vanish everywhere.
  const auto report = judged(4, [&](std::size_t frame, const Array& before) {
    if (frame == 2) return std::optional<Array>();
    Array after = before;
    for (const Place& place : weak_)
      put_spot<std::uint16_t>(after, static_cast<std::size_t>(place.y),
                              static_cast<std::size_t>(place.x), static_cast<std::uint16_t>(-3));
    for (std::size_t y = 20; y < 140; y += 30)
      for (std::size_t x = 20; x < 180; x += 30)
        if (frame == 1 || (frame == 0 && x == 20))
          put_spot<std::uint16_t>(after, y, x, static_cast<std::uint16_t>(-60));
    if (frame == 0) put_spot<std::uint16_t>(after, 100, 190, 60);
    return std::optional<Array>(after);
  });
  EXPECT_EQ(report.frames, 4U);
  EXPECT_EQ(report.compared, 3U);
  EXPECT_EQ(report.raw_peaks, 3 * 24U);
  EXPECT_EQ(report.peaks_lost(), 4U + 24U);
  EXPECT_EQ(report.peaks_invented(), 1U);
  EXPECT_EQ(report.hits_kept, (std::vector<std::uint64_t>{0, 3}));
  EXPECT_EQ(report.hits_lost, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(report.hits_left_out, 1U);
  // 28 of 72 spots lost 240 photons each.
  EXPECT_NEAR(report.strong.shift, -28.0 * 240, 1e-6);
  EXPECT_LT(report.strong.differences.mean(), -3);
  EXPECT_NEAR(report.weak.differences.mean(), -12, 1e-9);
  EXPECT_NEAR(report.weak.bias(), -12 / report.weak.raw.mean(), 1e-12);
  EXPECT_GT(report.metrics().at("weak_bias"), 0.5);
  EXPECT_GT(report.metrics().at("radial_chi2"), 0.1);
}

TEST_F(ScienceFrames, DitheredTypesAndMissingPlaces) {
  // Zero mean errors of +-2 as a wider, signed type: no bias beyond chance.
  std::mt19937 random(7);
  const auto widened = [&](std::size_t, const Array& before) {
    Array after(DType::i64, before.shape());
    std::uniform_int_distribution<int> error(-2, 2);
    for (std::size_t i = 0; i < after.count(); ++i)
      after.as<std::int64_t>()[i] = before.as<std::uint16_t>()[i] + error(random);
    return std::optional<Array>(after);
  };
  const auto report = judged(20, widened);
  EXPECT_GT(report.metrics().at("peaks"), 0.99);
  const auto& strong = report.strong.differences;
  EXPECT_LT(std::abs(strong.mean()), 4 * strong.error());
  EXPECT_NEAR(strong.sigma(), std::sqrt(2 * strong_aperture.noise_pixels() / 310), 0.1);
  EXPECT_NEAR(report.weak.differences.sigma(), std::sqrt(2 * weak_aperture.noise_pixels()), 1);
  EXPECT_LE(std::abs(report.weak.bias()), 1.6 * report.weak.half_width());
  EXPECT_NEAR(report.radial_chi2(), 2 / 2.15, 0.35);  // error's variance over the counts'

  const auto blind = judged(2, widened, false);
  EXPECT_FALSE(blind.weak.given);
  EXPECT_TRUE(std::isnan(blind.metrics().at("weak_bias")));
  const auto none = judged(0, widened);
  for (const auto& [name, number] : none.metrics()) EXPECT_TRUE(std::isnan(number)) << name;
}

TEST_F(ScienceFrames, WeakSpotsStandClearOfPeaks) {
  ScienceJudge own = judge();
  const Array image = raw(1);
  // A peak's own place, one beside it, one that is clear, one off the image.
  const std::vector<Place> places = {{20.5, 20.5}, {26, 20}, {35, 20}, {-5, 3}};
  const auto look = own.look_at_raw(image.view(), places);
  ASSERT_TRUE(look.ok());
  ASSERT_EQ(look->weak.size(), 2U);
  EXPECT_EQ(look->weak[0], (Place{35, 20}));
  EXPECT_TRUE(look->weak_sums[0]);
  EXPECT_FALSE(look->weak_sums[1]);
}

TEST_F(ScienceFrames, HotPixelsAreNoWeakSpots) {
  ScienceJudge own = judge();
  Array image = raw(1);
  image.as<std::uint16_t>()[35 * nx + 38] = 5000;  // in the first one's ring
  image.as<std::uint16_t>()[35 * nx + 65] = 900;   // in the second one's square
  const auto look = own.look_at_raw(image.view(), weak_);
  ASSERT_TRUE(look.ok());
  ScienceTally tally(own.settings(), true);
  tally.add(0, *look, *look);
  EXPECT_EQ(tally.report().weak.places, 5U);
  EXPECT_EQ(tally.report().weak.raw.n(), 3U);
  EXPECT_LT(tally.report().weak.raw.mean(), 40);
}

TEST(ScienceJudge, RefusesWhatMakesNoSense) {
  const Geometry geometry = image_geometry(10, 10);
  ScienceSettings settings;
  EXPECT_EQ(ScienceJudge::create(geometry, Mask(9, 1), settings).error().code, Errc::usage);
  settings.gain = 0;
  EXPECT_EQ(ScienceJudge::create(geometry, Mask(100, 1), settings).error().code, Errc::usage);
  settings.gain = NAN;
  EXPECT_EQ(ScienceJudge::create(geometry, Mask(100, 1), settings).error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
