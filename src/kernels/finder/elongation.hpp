// Streaks: what is much longer than wide is no Bragg spot.
#pragma once

#include "etalon/array.hpp"
#include "etalon/peaks.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// Looks at the feature under a peak, which may be one of several peaks on the same streak.
class Elongation {
 public:
  Elongation(const Geometry& geometry, Mask mask)
      : nx_(geometry.nx), panels_(geometry.panels_or_whole()), mask_(std::move(mask)) {}

  // The feature: the largest pixel within 2 rows and columns of the peak's centre, and what is
  // joined to it (8 neighbours, good, the same panel, within 15 rows and columns) above a quarter
  // of the peak's height over its background, and above nine tenths of those pixels. The result is
  // the ratio of its standard deviations along its longest axis and across, pixels being squares; 1
  // for one pixel.
  double operator()(const ArrayView& image, const Peak& peak) const;

 private:
  std::size_t nx_;
  std::vector<Panel> panels_;
  Mask mask_;
};

}  // namespace etalon
