// peakfinder8's threshold and snr from a series' own frames.
#pragma once

#include <span>

#include "etalon/array.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

struct LearnedPeaks {
  PeakParameters parameters;
  std::size_t frames = 0;
  std::uint64_t peaks = 0;   // found with these in the frames
  std::uint64_t chance = 0;  // found in the same frames without their spots
  bool any_signal = false;   // more peaks than chance explains; else the parameters are cautious
};

// Tries thresholds among the frames' own values and several snr, all else as in `base`. What chance
// gives is measured: in a copy of each frame every good pixel has the value of a random one
// (seeded) of its radial bin that is not near a peak, which leaves the background as it is and no
// spot. Of the settings where chance gives at most 1 % of the peaks, or 1 in 4 frames, the one with
// the most peaks above chance is taken; of equals the one with the greater snr, then the greater
// threshold. Frames: (y, x) images. Errors as of PeakFinder8.
Result<LearnedPeaks> learn_peakfinder8(std::span<const Array> frames, const Geometry& geometry,
                                       const Mask& mask, const PeakParameters& base);

}  // namespace etalon
