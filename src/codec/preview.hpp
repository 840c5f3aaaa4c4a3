// A coarse version of a chunk: every step-th element along every axis.
#pragma once

#include <cstddef>

#include "base/bytes.hpp"
#include "codec/chunk_format.hpp"

namespace etalon::codec {

// The elements at first, first + step, ... along each axis, as decode_chunk has them. `first` has
// the chunk's rank and lies inside it; step >= 1. Of a chunk of the fields engine only the levels
// that hold them are decoded: with `first` at 0 and a power of two that is about 1 / step^rank of
// the work; damage of what is left out shows in the checksum alone. Other chunks are decoded whole.
Result<Array> preview_chunk(ByteSpan chunk, const Shape& first, std::size_t step);

// How many elements that is along an axis.
constexpr std::size_t previewed(std::size_t extent, std::size_t first, std::size_t step) {
  return first < extent ? (extent - first - 1) / step + 1 : 0;
}

// Every 2^level-th element along every axis of a chunk of the fields engine; `out` has that shape.
Result<void> decode_field_level(const ChunkParts& parts, std::size_t level,
                                const MutableArrayView& out);

}  // namespace etalon::codec
