#include "frame/series.hpp"

namespace etalon {

Mask SeriesInfo::mask() const {
  return pixel_mask.empty() ? Mask(geometry.pixels(), 1) : mask_from_nexus(pixel_mask);
}

}  // namespace etalon
