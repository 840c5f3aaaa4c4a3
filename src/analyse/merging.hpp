// Observations of many crystals into one intensity a reflection, and how far it can be believed.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "analyse/still_integration.hpp"

namespace etalon {

struct CrystalObservations {
  std::uint64_t frame = 0;
  std::vector<Observation> observations;
};

struct MergeSettings {
  unsigned scaling_rounds = 3;         // 0: all crystals count alike
  double least_scale = 0.05;           // of the median; crystals below are left out
  std::uint32_t min_observations = 2;  // of a reflection that is judged
  std::uint32_t shells = 10;           // of equal volume in reciprocal space
  std::uint32_t strengths = 5;         // of equal numbers of reflections
};

struct MergedReflection {
  Miller index{};
  double q = 0;                     // 1/d, 1/angstrom
  double intensity = 0, sigma = 0;  // sigma: of the mean, from the scatter of the observations
  std::uint32_t observations = 0;
  double half[2] = {0, 0};  // the same of either half of the crystals
  std::uint32_t half_observations[2] = {0, 0};

  bool judged(const MergeSettings& settings) const {
    return observations >= settings.min_observations && half_observations[0] > 0 &&
           half_observations[1] > 0;
  }
};

// Numbers that cannot be said are NaN.
struct MergeStatistics {
  double d_low = 0, d_high = 0;  // of the reflections, angstrom
  std::uint64_t reflections = 0, observations = 0;
  double mean_intensity = 0, signal_to_noise = 0;  // mean I / sigma
  double cc_half = 0, cc_star = 0, r_split = 0;
  double truth_cc = 0;      // with the structure factors' squares that are known
  double completeness = 0;  // of the unique reflections that there are, 0..1; NaN in strengths
};

struct Merged {
  std::vector<MergedReflection> reflections;  // in order of h, k, l; all that were observed
  std::vector<double> scales;                 // of the crystals, of median 1; 0: left out
  std::uint64_t crystals = 0, left_out = 0, observations = 0;
  MergeStatistics all;
  std::vector<MergeStatistics> shells;     // coarse resolution first
  std::vector<MergeStatistics> strengths;  // weakest first: by the truth where it is given
};

using KnownIntensities = std::map<Miller, double>;  // by representative

// Monte-Carlo integration (Kirian et al., 2010): I = sum of observations / sum of their crystals'
// scales; a crystal's scale is the slope of its observations on the merged ones, by least squares,
// found by turns. A crystal falls into one half or the other by its frame's number alone, so that
// the same frames make the same halves.
// CC1/2: Pearson's correlation of the halves; CC* = sqrt(2 CC1/2 / (1 + CC1/2)) (Karplus &
// Diederichs, Science 336 (2012) 1030); R_split = sqrt(1/2) sum |I1 - I2| / (1/2 sum (I1 + I2))
// (White et al., 2012).
// Completeness counts lattice points over the order of the Laue group: about, in coarse shells.
// `known`: what the intensities should be proportional to; may be null.
Merged merge(const std::vector<CrystalObservations>& crystals, const IndexingSettings& crystal,
             const MergeSettings& settings, const KnownIntensities* known = nullptr);

// Pearson's; NaN for fewer than three pairs, or none that vary.
double correlation(const std::vector<double>& x, const std::vector<double>& y);

// Of the reflections that both have, with as many observations as are asked for.
double merged_correlation(const Merged& one, const Merged& other, const MergeSettings& settings);

}  // namespace etalon
