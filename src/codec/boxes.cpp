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

void copy_steps(const std::byte* in, const Shape& in_shape, const Shape& from, std::size_t step,
                std::byte* out, const Shape& extent, std::size_t size) {
  const std::size_t rank = extent.rank();
  if (extent.count() == 0) return;
  const std::size_t length = rank == 0 ? 1 : extent[rank - 1];
  Shape at = zeros(rank);
  for (std::size_t row = 0; row < extent.count() / length; ++row) {
    std::size_t source = 0;
    for (std::size_t i = 0; i < rank; ++i) source = source * in_shape[i] + from[i] + at[i] * step;
    for (std::size_t x = 0; x < length; ++x, out += size)
      std::memcpy(out, in + (source + x * step) * size, size);
    for (std::size_t axis = rank; axis-- > 1;) {
      if (++at[axis - 1] < extent[axis - 1]) break;
      at[axis - 1] = 0;
    }
  }
}

}  // namespace etalon::codec
