// Steps 3 to 6: from pixels that stand out to measured peaks. One variant for all backends, since
// few pixels come this far.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/peakfinder8/peakfinder8_background.hpp"

namespace etalon::pf8 {

struct GroupScratch {
  std::vector<std::uint8_t> fired;   // per pixel; all zero between frames
  std::vector<std::uint32_t> group;  // pixels of the group in hand
};

std::vector<Peak> measure_groups(const Plan& plan, const PeakParameters& parameters,
                                 const Scale& scale, const ArrayView& image,
                                 const Background& background, GroupScratch& scratch);

}  // namespace etalon::pf8
