// Where the elements of a box lie in an array: runs of elements that follow each other in both.
#pragma once

#include "etalon/array.hpp"

namespace etalon::mpi {

struct Run {
  std::size_t in_array, in_box, count;  // elements
};

// Calls f(run) -> Result<void> for all runs in their order, until one fails.
template <typename F>
Result<void> for_each_run(const Shape& array, const Shape& origin, const Shape& extent, F&& f) {
  // The fastest axes that the box has whole, and the one before them, are one run.
  std::size_t axis = array.rank(), count = 1;
  while (axis > 0) {
    --axis;
    count *= extent[axis];
    if (extent[axis] != array[axis]) break;
  }
  const std::size_t runs = Shape(extent.extents().first(axis)).count();
  for (std::size_t run = 0; run < runs; ++run) {
    std::size_t rest = run, at = 0, stride = 1;
    for (std::size_t a = array.rank(); a-- > 0; stride *= array[a]) {
      at += stride * (origin[a] + (a < axis ? rest % extent[a] : 0));
      if (a < axis) rest /= extent[a];
    }
    ETALON_TRY(f(Run{at, run * count, count}));
  }
  return {};
}

}  // namespace etalon::mpi
