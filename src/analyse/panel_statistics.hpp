// What each panel of a detector did over a series, from its virtual powder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyse/powder.hpp"

namespace etalon {

struct PanelStatistics {
  Panel panel;
  std::uint64_t good_pixels = 0;
  std::uint64_t dead_pixels = 0;      // good ones that showed 0 in all frames
  std::uint64_t constant_pixels = 0;  // the same number other than 0 in all frames, of at least 2
  // Of the good pixels' means over all frames, in the detector's units; 0 without good pixels.
  double mean = 0, median = 0, low = 0, high = 0;  // low, high: quantiles 0.01 and 0.99
  // Mean of the good pixels' variances over the mean of their means, in the detector's units: a
  // photon's where counts are Poisson numbers of one rate. 0 where nothing was counted.
  double variance_over_mean = 0;
  std::int64_t max = 0;
};

// One a panel of the geometry, in its order; one for the whole image where it has none.
// Errc::malformed for a panel outside the image.
Result<std::vector<PanelStatistics>> panel_statistics(const Powder& powder);

}  // namespace etalon
