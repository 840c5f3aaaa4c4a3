// Settings of the dispersion finders from a series' own frames.
#pragma once

#include "etalon/peaks.hpp"
#include "kernels/dispersion/dispersion.hpp"
#include "kernels/finder/chance.hpp"

namespace etalon {

// What is learned besides threshold, sigma_background and sigma_strong.
struct DispersionLearning {
  bool gain = true, min_pixels = true;
};

struct LearnedDispersion {
  DispersionParameters parameters;
  std::size_t frames = 0;
  std::uint64_t peaks = 0;   // found with these in the frames
  std::uint64_t chance = 0;  // found in the same frames without their spots
  bool any_signal = false;   // more peaks than chance explains; else the parameters are cautious
};

// The gain is the median of variance over mean in blocks of 8 x 8 pixels far from peaks, to two
// digits: what these finders take for chance. Then sigmas, thresholds among the frames' own values
// and smallest spots are tried, all else as in `base`, `base.extended` with it. As
// learn_peakfinder8: of the settings where chance gives at most 1 in 300 peaks, or 1 in 4 frames,
// the one with the most peaks above chance; of equals the stricter one. Frames: (y, x) images;
// `where_spots_are` finds the spots that chance is measured without. Errors as of the finders.
Result<LearnedDispersion> learn_dispersion(std::span<const Array> frames, const Geometry& geometry,
                                           const Mask& mask, const DispersionParameters& base,
                                           const PeakParameters& where_spots_are,
                                           DispersionLearning what = {});

}  // namespace etalon
