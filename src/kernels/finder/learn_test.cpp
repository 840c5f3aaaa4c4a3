// Settings learned from frames: on weak and on strong background, in photons and in other units,
// they find the spots that are there and hardly any others.
#include "kernels/finder/learn.hpp"

#include <gtest/gtest.h>

#include "kernels/finder/learn_cases.hpp"

namespace etalon {
namespace {

using learning::Series;

LearnedPeaks learn_from(const Series& series, const PeakParameters& base = {}) {
  auto learned =
      learn_peakfinder8(series.frames, series.geometry, Mask(series.geometry.pixels(), 1), base);
  EXPECT_TRUE(learned.ok()) << learned.error().message;
  return *learned;
}

Series::Score judge(const Series& series, const PeakParameters& parameters) {
  FinderSettings settings;
  settings.parameters = parameters;
  return series.judge(settings);
}

TEST(Learn, FindsWhatIsThereWhateverTheBackground) {
  const struct { double level, height, gain; } cases[] = {{0.3, 10, 1}, {60, 90, 1}, {4, 25, 120}};
  std::vector<PeakParameters> all;
  for (const auto& c : cases) {
    const Series series(c.level, c.height, c.gain, 40, 3);
    const LearnedPeaks learned = learn_from(series);
    EXPECT_TRUE(learned.any_signal);
    EXPECT_EQ(learned.frames, 5U);
    const auto score = judge(series, learned.parameters), usual = judge(series, PeakParameters{});
    EXPECT_GE(score.found, 0.9) << c.level;
    EXPECT_LE(score.invented, 0.03) << c.level;
    EXPECT_GE(score.found - score.invented, usual.found - usual.invented) << c.level;
    // Frames that it did not learn from.
    const auto fresh = judge(Series(c.level, c.height, c.gain, 40, 4), learned.parameters);
    EXPECT_GE(fresh.found, 0.88) << c.level;
    EXPECT_LE(fresh.invented, 0.05) << c.level;
    all.push_back(learned.parameters);
  }
  EXPECT_NE(all[0], all[1]);
}

TEST(Learn, SaysWhenThereIsNothingToLearnFrom) {
  const LearnedPeaks learned = learn_from(Series(3, 0, 1, 1, 5));
  EXPECT_FALSE(learned.any_signal);
  EXPECT_LE(learned.peaks, 10U);  // cautious
}

TEST(Learn, LeavesTheOtherParametersAndRepeats) {
  PeakParameters base;
  base.min_pixels = 3;
  base.max_pixels = 60;
  base.min_radius = 12;
  const Series series(2, 30, 1, 20, 6);
  const LearnedPeaks learned = learn_from(series, base);
  PeakParameters same = base;
  same.threshold = learned.parameters.threshold;
  same.snr = learned.parameters.snr;
  EXPECT_EQ(learned.parameters, same);
  EXPECT_EQ(learn_from(series, base).parameters, learned.parameters);
  base.min_pixels = 0;
  EXPECT_EQ(
      learn_peakfinder8(series.frames, series.geometry, Mask(220 * 240, 1), base).error().code,
      Errc::usage);
}

}  // namespace
}  // namespace etalon
