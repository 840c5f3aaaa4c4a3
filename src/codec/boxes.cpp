#include "codec/boxes.hpp"

#include <array>
#include <cstring>

namespace etalon::codec {

Shape zeros(std::size_t rank) {
  std::array<std::size_t, Shape::max_rank> none{};
  return Shape(std::span(none.data(), rank));
}

void copy_box(const std::byte* in, const Shape& in_shape, const Shape& from, std::byte* out,
              const Shape& out_shape, const Shape& to, const Shape& extent, std::size_t size) {
  const std::size_t rank = extent.rank();
  if (extent.count() == 0) return;
  if (rank == 0) {
    std::memcpy(out, in, size);
    return;
  }
  const std::size_t row = extent[rank - 1] * size;
  Shape at = extent;
  for (std::size_t i = 0; i < rank; ++i) at[i] = 0;
  while (true) {
    std::size_t source = 0, target = 0;
    for (std::size_t i = 0; i < rank; ++i) {
      source = source * in_shape[i] + from[i] + at[i];
      target = target * out_shape[i] + to[i] + at[i];
    }
    std::memcpy(out + target * size, in + source * size, row);
    std::size_t axis = rank - 1;
    while (axis-- > 0) {
      if (++at[axis] < extent[axis]) break;
      at[axis] = 0;
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace etalon::codec
