#include "pieces.hpp"

#include <algorithm>

#include "etalon/codec.hpp"

namespace etalon::mpi {
namespace {

std::size_t ceil_div(std::size_t a, std::size_t b) { return a / b + (a % b != 0); }

}  // namespace

Pieces::Pieces(DType dtype, const Shape& shape, const Shape& chunk, std::size_t ranks,
               std::size_t most_bytes)
    : shape_(shape), step_(chunk), grid_(shape) {
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    grid_[axis] = ceil_div(shape[axis], chunk[axis]);
  std::size_t budget =
      std::min(most_bytes / std::max<std::size_t>(chunk.count() * size_of(dtype), 1),
               grid_.count() / std::max<std::size_t>(ranks, 1));
  // From the fastest axis: all of its chunks while they fit, then as many as do.
  for (std::size_t axis = shape.rank(); axis-- > 0 && budget > 1;) {
    const std::size_t chunks = std::min(grid_[axis], budget);
    const bool all = chunks == grid_[axis];
    step_[axis] = std::min(shape[axis], chunks * chunk[axis]);
    grid_[axis] = ceil_div(grid_[axis], chunks);
    budget = all ? budget / chunks : 1;
  }
}

Piece Pieces::operator[](std::size_t i) const {
  Piece piece{shape_, shape_};
  for (std::size_t axis = shape_.rank(); axis-- > 0; i /= grid_[axis]) {
    piece.origin[axis] = i % grid_[axis] * step_[axis];
    piece.extent[axis] = std::min(step_[axis], shape_[axis] - piece.origin[axis]);
  }
  return piece;
}

Shape parallel_chunk(DType dtype, const Shape& shape) {
  Shape chunk = default_chunk(dtype, shape);
  for (std::size_t axis = 0; axis < chunk.rank(); ++axis) {
    const bool in_image = axis + 2 >= chunk.rank();
    const std::size_t most = std::size_t{1} << (in_image ? 22 : 20);
    while (chunk.count() > most && chunk[axis] > 1) chunk[axis] = ceil_div(chunk[axis], 2);
  }
  return chunk;
}

}  // namespace etalon::mpi
