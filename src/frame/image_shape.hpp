// Which arrays are images of pixels that are known.
#pragma once

#include "etalon/array.hpp"

namespace etalon {

// (ny, nx), with axes of one before these, or all pixels in a row. The same number of pixels is not
// enough: an image that lies on its side has that, too.
inline bool is_image_of(const Shape& shape, std::size_t ny, std::size_t nx) {
  const std::size_t rank = shape.rank();
  if (rank == 0 || shape.count() != ny * nx) return false;
  return rank == 1 || (shape[rank - 2] == ny && shape[rank - 1] == nx);
}

}  // namespace etalon
