#include "pipeline/veto.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <random>

namespace etalon {
namespace {

Geometry flat() {
  Geometry g;
  g.ny = g.nx = 200;
  g.centre_x = g.centre_y = 100;
  g.pixel_size_x_m = g.pixel_size_y_m = 75e-6;
  g.distance_m = 0.1;
  g.wavelength_angstrom = 1;
  return g;
}

Peak peak(float x, float y, float snr) {
  Peak p;
  p.x = x;
  p.y = y;
  p.snr = snr;
  return p;
}

TEST(Veto, FiguresOfAFrame) {
  Recipe::Veto rules;
  rules.resolution_peaks = 2;
  const Veto veto = Veto::create(rules, flat()).value();
  const std::vector<Peak> peaks{peak(110, 100, 9), peak(100, 180, 16), peak(150, 100, 25)};
  const FrameFigures f = veto.figures(peaks);
  EXPECT_EQ(f.peaks, 3U);
  EXPECT_EQ(f.score, 3 + 4 + 5);
  // The second farthest is 50 pixels out: tan(2 theta) = 0.0375.
  EXPECT_NEAR(f.resolution_angstrom, 1 / (2 * std::sin(std::atan(0.0375) / 2)), 1e-12);
  EXPECT_EQ(veto.figures({peaks[0]}).resolution_angstrom, 0);
}

TEST(Veto, EachRuleSaysWhy) {
  Recipe::Veto rules;
  rules.min_peaks = 2;
  rules.max_peaks = 4;
  rules.min_score = 6.5;
  rules.resolution_angstrom = 20;
  rules.resolution_peaks = 1;
  const Veto veto = Veto::create(rules, flat()).value();
  EXPECT_EQ(veto.reason({1, 100, 5}), "peaks < 2");
  EXPECT_EQ(veto.reason({5, 100, 5}), "peaks > 4");
  EXPECT_EQ(veto.reason({3, 6.25, 5}), "score < 6.5");
  EXPECT_EQ(veto.reason({3, 7, 25}), "resolution > 20");
  EXPECT_EQ(veto.reason({3, 7, 0}), "resolution > 20");
  EXPECT_EQ(veto.reason({3, 7, 20}), "");
  EXPECT_EQ(veto.reason({1, 7, 20}, 1), "");
}

TEST(Veto, ResolutionNeedsAGeometry) {
  Recipe::Veto rules;
  rules.resolution_angstrom = 3;
  Geometry g = flat();
  g.distance_m = 0;
  const auto veto = Veto::create(rules, g);
  ASSERT_FALSE(veto.ok());
  EXPECT_EQ(veto.error().code, Errc::usage);
}

TEST(Veto, TheJudgeIsMoreSensitive) {
  Recipe recipe;
  recipe.find.parameters.threshold = 8;
  recipe.find.parameters.snr = 5;
  EXPECT_EQ(judge_settings(recipe).parameters.threshold, 6);
  EXPECT_EQ(judge_settings(recipe).parameters.snr, 4);
  recipe.audit.threshold = 3;
  recipe.audit.min_pixels = 1;
  EXPECT_EQ(judge_settings(recipe).parameters.threshold, 3);
  EXPECT_EQ(judge_settings(recipe).parameters.min_pixels, 1U);
  recipe.find.method = FindMethod::dispersion;
  recipe.find.dispersion.sigma_strong = 3;
  EXPECT_EQ(judge_settings(recipe).dispersion.threshold, 3);
  EXPECT_FLOAT_EQ(judge_settings(recipe).dispersion.sigma_strong, 2.4F);
  EXPECT_EQ(judge_settings(recipe).parameters.threshold, 8);
}

TEST(Audit, DrawsTheShareThatItSaysAndAlwaysTheSame) {
  for (const double share : {0.0, 0.01, 0.3, 1.0}) {
    constexpr std::uint64_t frames = 200000;
    std::uint64_t drawn = 0;
    const AuditDraw draw(7, "series", share);
    for (std::uint64_t i = 0; i < frames; ++i) drawn += draw(i) ? 1 : 0;
    const double sigma = std::sqrt(frames * share * (1 - share));
    EXPECT_NEAR(static_cast<double>(drawn), frames * share, 5 * sigma) << share;
  }
  // Fixed for ever: what was drawn can be found again.
  std::vector<std::uint64_t> first;
  const AuditDraw hundredth(7, "series", 0.01);
  for (std::uint64_t i = 0; first.size() < 4; ++i)
    if (hundredth(i)) first.push_back(i);
  EXPECT_EQ(first, (std::vector<std::uint64_t>{50, 183, 457, 577}));
  // Whatever decides about frames (every tenth is a hit, say) does not decide about the draw.
  const AuditDraw fifth(3, "x", 0.2);
  std::uint64_t tenths = 0, all = 0;
  for (std::uint64_t i = 0; i < 100000; ++i)
    if (fifth(i)) ++all, tenths += i % 10 == 0 ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(tenths) / static_cast<double>(all), 0.1, 0.01);
}

// Among 10 000 rejected frames some are hits after all. Ten thousand times the audit is drawn anew,
// as a run with another seed would draw it, by a judge that knows the truth: how often does the
// interval cover the rate among all of them?
TEST(Audit, IntervalsCoverInjectedFalseRejections) {
  constexpr std::uint64_t rejected = 10000, redraws = 10000;
  std::mt19937_64 random(11);
  for (const double rate : {0.001, 0.01, 0.05}) {
    // Where the false rejections are does not depend on the draw.
    std::vector<std::uint64_t> numbers(rejected);
    for (std::uint64_t i = 0; i < rejected; ++i) numbers[i] = i;
    std::shuffle(numbers.begin(), numbers.end(), random);
    const auto hits = static_cast<std::size_t>(rate * rejected);
    std::vector<bool> is_hit(rejected);
    for (std::size_t i = 0; i < hits; ++i) is_hit[numbers[i]] = true;
    std::map<std::pair<std::uint64_t, std::uint64_t>, bool> covers;
    std::uint64_t covered = 0;
    for (std::uint64_t seed = 0; seed < redraws; ++seed) {
      const AuditDraw draw(seed, "injected", 0.01);
      AuditSummary audit;
      audit.rejected = rejected;
      for (std::uint64_t i = 0; i < rejected; ++i) {
        if (!draw(i)) continue;
        ++audit.audited;
        if (is_hit[i]) ++audit.hits;
      }
      const auto [known, fresh] = covers.try_emplace({audit.hits, audit.audited});
      if (fresh) {
        const Interval interval = audit.interval();
        known->second = interval.low <= rate && rate <= interval.high;
      }
      if (known->second) ++covered;
    }
    EXPECT_GE(static_cast<double>(covered) / redraws, 0.945) << rate;
    std::cout << "rate " << rate << ": covered in " << covered << " of " << redraws << "\n";
  }
}

TEST(Audit, SaysWhatALimitNeeds) {
  const AuditSummary none{1000, 300, 0, 0, 0.01};
  EXPECT_FALSE(none.limit_shown());
  EXPECT_EQ(none.needed(), 368U);
  const AuditSummary enough{40000, 400, 0, 0, 0.01};
  EXPECT_TRUE(enough.limit_shown());
  const AuditSummary worse{40000, 400, 8, 0, 0.01};
  EXPECT_FALSE(worse.limit_shown());
  EXPECT_FALSE(worse.needed().has_value());
  EXPECT_EQ(worse.needed_at_best(), 368U);
}

}  // namespace
}  // namespace etalon
