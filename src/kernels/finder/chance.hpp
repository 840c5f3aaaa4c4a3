// What chance gives a finder: a series' frames without their spots.
#pragma once

#include <span>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

struct QuietFrames {
  std::vector<Mask> masks;  // of each frame: the good pixels that are not near a peak
  // In a copy of each frame every good pixel has the value of a random one (seeded) of its radial
  // bin that is not near a peak, which leaves the background as it is and no spot.
  std::vector<Array> without_spots;

  // Peaks are what peakfinder8 finds with these and this snr, without a threshold: with a low one,
  // clusters that are chance go as well, with a high one weak spots stay, and count as chance.
  // Frames: (y, x) images. Errors as of PeakFinder8.
  static Result<QuietFrames> create(std::span<const Array> frames, const Geometry& geometry,
                                    const Mask& mask, const PeakParameters& parameters, float snr);
};

// 0, and then values that ever fewer of the frames' good pixels above 0 reach: the given shares of
// them, descending. Of many pixels some are asked.
std::vector<float> thresholds_of(std::span<const Array> frames, const Mask& mask,
                                 std::span<const double> shares);

}  // namespace etalon
