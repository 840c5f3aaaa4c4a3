// Settings learned from frames: on weak and on strong background, in photons and in other units,
// they find the spots that are there and hardly any others.
#include "kernels/finder/learn.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/peakfinder8/peakfinder8.hpp"
#include "kernels/peakfinder8/peakfinder8_cases.hpp"

namespace etalon {
namespace {

struct Series {
  Geometry geometry;
  std::vector<Array> frames;
  std::vector<std::vector<std::array<double, 2>>> spots;  // y, x

  // Photons times `gain`: a background of `level` and spots of `height` above it.
  Series(double level, double height, double gain, std::size_t spots_a_frame, std::uint64_t seed) {
    geometry.ny = 220;
    geometry.nx = 240;
    geometry.centre_y = 108.3;
    geometry.centre_x = 121.6;
    pf8::Dice dice(seed);
    const std::vector<float> radius = radius_map(geometry);
    for (int frame = 0; frame < 5; ++frame) {
      std::vector<double> rate(geometry.pixels());
      for (std::size_t i = 0; i < rate.size(); ++i)
        rate[i] = level * (0.3 + std::exp(-std::pow(double{radius[i]} / 60 - 1, 2)));
      spots.emplace_back();
      for (std::size_t i = 0; i < spots_a_frame; ++i) {
        const double cy = 5 + 210 * dice.unit(), cx = 5 + 230 * dice.unit();
        spots.back().push_back({cy, cx});
        for (int dy = -3; dy <= 3; ++dy)
          for (int dx = -3; dx <= 3; ++dx) {
            const double y = std::floor(cy) + dy, x = std::floor(cx) + dx;
            const double r2 = (y - cy) * (y - cy) + (x - cx) * (x - cx);
            rate[static_cast<std::size_t>(y) * 240 + static_cast<std::size_t>(x)] +=
                height * std::exp(-r2 / 1.3);
          }
      }
      std::vector<std::int64_t> image(rate.size());
      for (std::size_t i = 0; i < rate.size(); ++i)
        image[i] = static_cast<std::int64_t>(
            std::lround(gain * static_cast<double>(dice.photons(std::min(rate[i], 600.0)))));
      frames.push_back(pf8::as_type(image, DType::i32, geometry));
    }
  }

  struct Score {
    double found, invented;  // shares of the spots
  };
  Score judge(const PeakParameters& parameters) const {
    auto finder = PeakFinder8::create(geometry, Mask(geometry.pixels(), 1), parameters);
    std::size_t there = 0, found = 0, invented = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const std::vector<Peak> peaks = *finder->find(frames[i].view());
      const auto near = [](const Peak& p, const std::array<double, 2>& spot) {
        return std::hypot(double{p.y} - spot[0], double{p.x} - spot[1]) < 2.5;
      };
      for (const auto& spot : spots[i])
        found += std::any_of(peaks.begin(), peaks.end(), [&](auto& p) { return near(p, spot); });
      for (const Peak& p : peaks)
        invented += std::none_of(spots[i].begin(), spots[i].end(),
                                 [&](auto& spot) { return near(p, spot); });
      there += spots[i].size();
    }
    return {double(found) / double(there), double(invented) / double(there)};
  }
  LearnedPeaks learn(const PeakParameters& base = {}) const {
    auto learned = learn_peakfinder8(frames, geometry, Mask(geometry.pixels(), 1), base);
    EXPECT_TRUE(learned.ok()) << learned.error().message;
    return *learned;
  }
};

TEST(Learn, FindsWhatIsThereWhateverTheBackground) {
  const struct { double level, height, gain; } cases[] = {{0.3, 10, 1}, {60, 90, 1}, {4, 25, 120}};
  std::vector<PeakParameters> all;
  for (const auto& c : cases) {
    const Series series(c.level, c.height, c.gain, 40, 3);
    const LearnedPeaks learned = series.learn();
    EXPECT_TRUE(learned.any_signal);
    EXPECT_EQ(learned.frames, 5U);
    const auto score = series.judge(learned.parameters), usual = series.judge(PeakParameters{});
    EXPECT_GE(score.found, 0.9) << c.level;
    EXPECT_LE(score.invented, 0.03) << c.level;
    EXPECT_GE(score.found - score.invented, usual.found - usual.invented) << c.level;
    // Frames that it did not learn from.
    const auto fresh = Series(c.level, c.height, c.gain, 40, 4).judge(learned.parameters);
    EXPECT_GE(fresh.found, 0.88) << c.level;
    EXPECT_LE(fresh.invented, 0.05) << c.level;
    all.push_back(learned.parameters);
  }
  EXPECT_NE(all[0], all[1]);
}

TEST(Learn, SaysWhenThereIsNothingToLearnFrom) {
  const LearnedPeaks learned = Series(3, 0, 1, 1, 5).learn();
  EXPECT_FALSE(learned.any_signal);
  EXPECT_LE(learned.peaks, 10U);  // cautious
}

TEST(Learn, LeavesTheOtherParametersAndRepeats) {
  PeakParameters base;
  base.min_pixels = 3;
  base.max_pixels = 60;
  base.min_radius = 12;
  const Series series(2, 30, 1, 20, 6);
  const LearnedPeaks learned = series.learn(base);
  PeakParameters same = base;
  same.threshold = learned.parameters.threshold;
  same.snr = learned.parameters.snr;
  EXPECT_EQ(learned.parameters, same);
  EXPECT_EQ(series.learn(base).parameters, learned.parameters);
  base.min_pixels = 0;
  EXPECT_EQ(
      learn_peakfinder8(series.frames, series.geometry, Mask(220 * 240, 1), base).error().code,
      Errc::usage);
}

}  // namespace
}  // namespace etalon
