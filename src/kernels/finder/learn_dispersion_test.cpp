// What the dispersion finders learn: the gain that there is, and settings that find more of weak
// spots than the usual ones and invent no more.
#include "kernels/finder/learn_dispersion.hpp"

#include <gtest/gtest.h>

#include "kernels/finder/learn_cases.hpp"

namespace etalon {
namespace {

using learning::Series;
constexpr FindMethod both[] = {FindMethod::dispersion, FindMethod::dispersion_extended};

LearnedDispersion learn_from(const Series& series, FindMethod method,
                             DispersionParameters base = {}, DispersionLearning what = {}) {
  base.extended = method == FindMethod::dispersion_extended;
  auto learned = learn_dispersion(series.frames, series.geometry, Mask(series.geometry.pixels(), 1),
                                  base, {}, what);
  EXPECT_TRUE(learned.ok()) << learned.error().message;
  return *learned;
}

FinderSettings settings_of(FindMethod method, const DispersionParameters& parameters) {
  FinderSettings settings;
  settings.method = method;
  settings.dispersion = parameters;
  return settings;
}

TEST(LearnDispersion, FindsMoreOfWhatIsWeak) {
  const struct {
    double level, height, gain;
  } cases[] = {{0.3, 10, 1}, {2, 12, 1}, {60, 90, 1}, {4, 25, 120}};
  for (const FindMethod method : both)
    for (const auto& c : cases) {
      const Series series(c.level, c.height, c.gain, 40, 3),
          fresh(c.level, c.height, c.gain, 40, 4);
      const LearnedDispersion learned = learn_from(series, method);
      EXPECT_TRUE(learned.any_signal);
      EXPECT_NEAR(static_cast<double>(learned.parameters.gain) / c.gain, 1, 0.05);
      DispersionParameters known;  // the usual settings for somebody who knows the gain
      known.gain = static_cast<float>(c.gain);
      const auto found = fresh.judge(settings_of(method, learned.parameters)),
                 usual = fresh.judge(settings_of(method, known));
      EXPECT_GE(found.found, std::max(0.9, usual.found - 0.01)) << name_of(method) << c.level;
      EXPECT_LE(found.invented, usual.invented + 0.005) << name_of(method) << c.level;
      if (c.level == 2) {
        EXPECT_GT(found.found, usual.found + 0.2) << name_of(method);
      }
    }
}

TEST(LearnDispersion, SaysWhenThereIsNothingToLearnFrom) {
  for (const FindMethod method : both) {
    const LearnedDispersion learned = learn_from(Series(3, 0, 1, 1, 5), method);
    EXPECT_FALSE(learned.any_signal);
    EXPECT_LE(learned.peaks, 10U);  // cautious
  }
}

TEST(LearnDispersion, LeavesWhatIsGivenAndRepeats) {
  DispersionParameters base;
  base.min_pixels = 5;
  base.max_pixels = 60;
  base.gain = 1.3F;
  base.min_radius = 12;
  base.kernel_size = {2, 4};
  const Series series(2, 30, 1, 20, 6);
  const LearnedDispersion learned =
      learn_from(series, FindMethod::dispersion, base, {.gain = false, .min_pixels = false});
  DispersionParameters same = base;
  same.extended = false;
  same.threshold = learned.parameters.threshold;
  same.sigma_background = learned.parameters.sigma_background;
  same.sigma_strong = learned.parameters.sigma_strong;
  EXPECT_EQ(learned.parameters, same);
  EXPECT_EQ(learned.parameters,
            learn_from(series, FindMethod::dispersion, base, {.gain = false, .min_pixels = false})
                .parameters);
  base.max_pixels = 3;  // no larger smallest spots are tried
  base.min_pixels = 1;
  EXPECT_LE(learn_from(series, FindMethod::dispersion, base).parameters.min_pixels, 3U);
  base.min_pixels = 0;
  EXPECT_EQ(
      learn_dispersion(series.frames, series.geometry, Mask(220 * 240, 1), base, {}).error().code,
      Errc::usage);
}

TEST(LearnDispersion, WithoutFramesNothingIsLearned) {
  const Series series(2, 30, 1, 1, 6);
  const auto learned =
      learn_dispersion({}, series.geometry, Mask(series.geometry.pixels(), 1), {}, {});
  ASSERT_TRUE(learned.ok()) << learned.error().message;
  EXPECT_FALSE(learned->any_signal);
  EXPECT_EQ(learned->parameters.gain, 1);
}

}  // namespace
}  // namespace etalon
