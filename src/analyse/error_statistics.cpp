#include "analyse/error_statistics.hpp"

#include <algorithm>

namespace etalon {

void ErrorStatistics::add(const ArrayView& original, const ArrayView& reduced) {
  if (original.count() == 0) return;
  const PairRows block(original, reduced);
  autocorrelation_.add(block);
  similarity_.add(block);
  spectrum_.add(block);
  block_ = block.shape();
  ++blocks_;
}

std::vector<Box> sample_boxes(const Shape& shape, std::uint64_t most_elements) {
  const bool whole = shape.count() <= most_elements;
  const std::size_t boxes = whole ? 1 : 8;
  Shape extent = shape;
  while (!whole && extent.count() > std::max<std::uint64_t>(most_elements / boxes, 1)) {
    std::size_t longest = 0;
    for (std::size_t axis = 1; axis < extent.rank(); ++axis)
      if (extent[axis] > extent[longest]) longest = axis;
    extent[longest] = (extent[longest] + 1) / 2;
  }
  std::vector<Box> all(boxes);
  for (std::size_t b = 0; b < boxes; ++b)
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
      const std::size_t begin = whole ? 0 : (shape[axis] - extent[axis]) * b / (boxes - 1);
      all[b].axes.push_back({begin, begin + extent[axis]});
    }
  return all;
}

}  // namespace etalon
