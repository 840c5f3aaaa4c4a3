#include "codec/preview.hpp"

#include <algorithm>
#include <bit>
#include <exception>

#include "codec/boxes.hpp"

namespace etalon::codec {
namespace {

// The finest level that need not be decoded further: 2^level divides step and `first`.
std::size_t level_of(const Shape& first, std::size_t step) {
  std::size_t bits = step;
  for (const std::size_t f : first.extents()) bits |= f;
  return static_cast<std::size_t>(std::countr_zero(bits));
}

Array every(const Array& whole, const Shape& first, std::size_t step) {
  Shape extent = whole.shape();
  for (std::size_t axis = 0; axis < extent.rank(); ++axis)
    extent[axis] = previewed(extent[axis], first[axis], step);
  Array out(whole.dtype(), extent);
  copy_steps(whole.view().data, whole.shape(), first, step, out.mutable_view().data, extent,
             size_of(whole.dtype()));
  return out;
}

}  // namespace

Result<Array> preview_chunk(ByteSpan chunk, const Shape& first, std::size_t step) try {
  ETALON_ASSIGN(const auto parts, parse_chunk(chunk));
  const Shape& shape = parts.head.shape;
  bool inside = first.rank() == shape.rank() && step >= 1;
  for (std::size_t axis = 0; inside && axis < shape.rank(); ++axis)
    inside = first[axis] < shape[axis];
  if (!inside) return Error{Errc::usage, "preview: begins outside the chunk"};
  const std::size_t level = parts.head.engine == Engine::fields ? level_of(first, step) : 0;
  if (level == 0) {
    ETALON_ASSIGN(const Array whole, decode_chunk(chunk));
    return every(whole, first, step);
  }
  Shape extent = shape, from = first;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    extent[axis] = previewed(shape[axis], 0, std::size_t{1} << level);
    from[axis] >>= level;
  }
  Array coarse(parts.head.dtype, extent);
  if (auto done = decode_field_level(parts, level, coarse.mutable_view()); !done.ok())
    return std::move(done).error().in("chunk");
  const std::size_t left = step >> level;
  if (left == 1 && from == zeros(shape.rank())) return coarse;
  return every(coarse, from, left);
} catch (const std::exception& e) {
  return Error{Errc::io, std::string("decompress: ") + e.what()};
}

}  // namespace etalon::codec
