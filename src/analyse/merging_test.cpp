// Merged intensities of observations whose truth is known, and the statistics against their
// definitions.
#include "analyse/merging.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace etalon {
namespace {

IndexingSettings crystal() {
  IndexingSettings s;
  s.point_group = PointGroup::named("422").value();
  return s;
}

Observation seen(const Miller& index, double intensity, double q = 0.2) {
  Observation o;
  o.unique = index;
  o.intensity = static_cast<float>(intensity);
  o.sigma = 1;
  o.q = static_cast<float>(q);
  return o;
}

struct Experiment {
  KnownIntensities truth;
  std::vector<CrystalObservations> crystals;
  std::vector<double> scales;
};

// Intensities as Wilson has them, partialities at random, noise.
Experiment experiment(std::size_t crystals, double noise) {
  Experiment e;
  std::mt19937_64 random(1);
  std::exponential_distribution<double> wilson(0.01);
  std::uniform_real_distribution<double> uniform;
  std::normal_distribution<double> normal;
  for (int h = 1; h <= 12; ++h)
    for (int k = 0; k <= h; ++k)
      for (int l = 0; l <= 6; ++l) e.truth[{h, k, l}] = wilson(random);
  for (std::size_t c = 0; c < crystals; ++c) {
    const double scale = std::exp(0.5 * normal(random));
    e.scales.push_back(scale);
    auto& own = e.crystals.emplace_back();
    own.frame = c;
    for (const auto& [index, intensity] : e.truth)
      if (uniform(random) < 0.2)
        own.observations.push_back(
            seen(index, scale * intensity * uniform(random) + noise * normal(random),
                 0.02 * std::sqrt(double(index[0] * index[0] + index[1] * index[1] + index[2]))));
  }
  return e;
}

TEST(Merging, FindsTheTruthAndItsOwnWorth) {
  const Experiment e = experiment(150, 20);
  const Merged merged = merge(e.crystals, crystal(), {}, &e.truth);
  EXPECT_EQ(merged.reflections.size(), e.truth.size());
  EXPECT_GT(merged.all.truth_cc, 0.9);
  // CC* is what CC1/2 says about the correlation with the truth.
  EXPECT_NEAR(merged.all.cc_star, merged.all.truth_cc, 0.02);
  EXPECT_GT(merged.all.cc_half, 0.75);
  EXPECT_LT(merged.all.r_split, 0.4);
  ASSERT_EQ(merged.shells.size(), 10U);
  std::uint64_t in_shells = 0, in_strengths = 0;
  for (const MergeStatistics& s : merged.shells) in_shells += s.reflections;
  for (const MergeStatistics& s : merged.strengths) in_strengths += s.reflections;
  EXPECT_EQ(in_shells, e.truth.size());
  EXPECT_EQ(in_strengths, e.truth.size());
  EXPECT_LT(merged.strengths.front().mean_intensity, merged.strengths.back().mean_intensity);
  // Strong reflections are seen better, as a share.
  EXPECT_GT(merged.strengths.front().r_split, merged.strengths.back().r_split);
}

TEST(Merging, ScalesCrystalsAsTheyAre) {
  const Experiment e = experiment(150, 5);
  const Merged merged = merge(e.crystals, crystal(), {}, &e.truth);
  ASSERT_EQ(merged.scales.size(), e.scales.size());
  EXPECT_GT(correlation(merged.scales, e.scales), 0.95);
  MergeSettings alike;
  alike.scaling_rounds = 0;
  const Merged plain = merge(e.crystals, crystal(), alike, &e.truth);
  EXPECT_GT(merged.all.truth_cc, plain.all.truth_cc);
  EXPECT_LT(merged.all.r_split, plain.all.r_split);
  for (const double scale : plain.scales) EXPECT_EQ(scale, 1);
}

TEST(Merging, MoreCrystalsAreBetter) {
  const Experiment few = experiment(40, 20), many = experiment(400, 20);
  const Merged a = merge(few.crystals, crystal(), {}, &few.truth),
               b = merge(many.crystals, crystal(), {}, &many.truth);
  EXPECT_GT(b.all.cc_half, a.all.cc_half);
  EXPECT_LT(b.all.r_split, a.all.r_split);
  EXPECT_GT(b.all.signal_to_noise, a.all.signal_to_noise);
  EXPECT_GT(merged_correlation(b, b, {}), 0.999999);
}

TEST(Merging, StatisticsAreThoseOfTheirDefinitions) {
  // Every crystal sees every reflection once, so that halves are means over their crystals.
  const double values[3][4] = {{10, 14, 9, 11}, {30, 24, 33, 29}, {50, 55, 61, 47}};
  std::vector<CrystalObservations> crystals(4);
  for (std::size_t c = 0; c < 4; ++c) {
    crystals[c].frame = c;
    for (int r = 0; r < 3; ++r)
      crystals[c].observations.push_back(seen({r + 1, 0, 0}, values[r][c], 0.1 * (r + 1)));
  }
  MergeSettings alike;
  alike.scaling_rounds = 0;
  const Merged merged = merge(crystals, crystal(), alike);
  ASSERT_EQ(merged.reflections.size(), 3U);
  double apart = 0, together = 0;
  std::vector<double> one, other;
  for (std::size_t r = 0; r < 3; ++r) {
    const MergedReflection& m = merged.reflections[r];
    const double mean = (values[r][0] + values[r][1] + values[r][2] + values[r][3]) / 4;
    EXPECT_NEAR(m.intensity, mean, 1e-5);
    double squares = 0;
    for (const double v : values[r]) squares += (v - mean) * (v - mean);
    EXPECT_NEAR(m.sigma, std::sqrt(squares / 3 / 4), 1e-5);
    ASSERT_GT(m.half_observations[0], 0U);
    ASSERT_GT(m.half_observations[1], 0U);
    EXPECT_NEAR((m.half[0] * m.half_observations[0] + m.half[1] * m.half_observations[1]) / 4, mean,
                1e-5);
    apart += std::abs(m.half[0] - m.half[1]);
    together += (m.half[0] + m.half[1]) / 2;
    one.push_back(m.half[0]);
    other.push_back(m.half[1]);
  }
  EXPECT_NEAR(merged.all.r_split, apart / std::sqrt(2.0) / together, 1e-9);
  EXPECT_NEAR(merged.all.cc_half, correlation(one, other), 1e-12);
  EXPECT_NEAR(merged.all.cc_star, std::sqrt(2 * merged.all.cc_half / (1 + merged.all.cc_half)),
              1e-12);
  EXPECT_NEAR(merged.all.d_low, 10, 1e-5);
  EXPECT_NEAR(merged.all.d_high, 1 / 0.3, 1e-5);
}

TEST(Merging, CorrelationIsPearsons) {
  EXPECT_NEAR(correlation({1, 2, 3, 4}, {2, 4, 6, 8}), 1, 1e-12);
  EXPECT_NEAR(correlation({1, 2, 3}, {3, 2, 1}), -1, 1e-12);
  EXPECT_NEAR(correlation({1, 2, 3, 4}, {1, 3, 2, 4}), 0.8, 1e-12);
  EXPECT_TRUE(std::isnan(correlation({1, 2}, {1, 2})));
  EXPECT_TRUE(std::isnan(correlation({1, 1, 1}, {1, 2, 3})));
}

TEST(Merging, NothingIsNothing) {
  const Merged merged = merge({}, crystal(), {});
  EXPECT_TRUE(merged.reflections.empty());
  EXPECT_TRUE(std::isnan(merged.all.cc_half));
  EXPECT_TRUE(std::isnan(merged.all.r_split));
  EXPECT_TRUE(std::isnan(merged_correlation(merged, merged, {})));
}

}  // namespace
}  // namespace etalon
