// A container's bytes: sections with checksummed heads, chunks, a trailing index.
// formats/container.md.
#pragma once

#include <array>
#include <vector>

#include "base/byte_source.hpp"
#include "codec/limits.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

inline constexpr std::array<char, 6> container_magic = {'E', 't', 'a', 'l', 'o', 'n'};
inline constexpr std::size_t section_head_bytes = 16;  // tag, size, checksum
inline constexpr std::size_t footer_bytes = 16;        // index offset, checksum, magic

struct ChunkPlace {
  std::uint64_t offset, size;  // of the chunk itself, not of its section's head
};

// Chunks lie in raster order of the grid that chunk_shape cuts the shape into; those at an edge
// are cut off.
struct ContainerIndex {
  DType dtype = DType::u8, source = DType::u8;  // of decoded and of original elements
  Shape chunk_shape, shape;
  Bound bound;
  std::vector<ChunkPlace> chunks;
};

Bytes container_header(DType dtype, DType source, const Shape& chunk_shape, const Bound& bound);
Bytes section_head(const char (&tag)[5], std::uint64_t size);
// The index section and the footer; `offset` is where they begin.
Bytes container_tail(const ContainerIndex& index, std::uint64_t offset);

// Everything but the chunks, checked: places lie inside the container, in order, one for each
// chunk of the grid.
Result<ContainerIndex> parse_container(const ByteSource& source);
Result<ContainerIndex> parse_container(ByteSpan bytes);

// As `inspect`: one chunk after the other is read.
Result<StreamInfo> inspect_container(const ByteSource& source);

// How many chunks the shape has along each axis, and where the i-th begins and how large it is.
Shape chunk_grid(const Shape& shape, const Shape& chunk_shape);
struct ChunkBox {
  Shape origin, extent;
};
ChunkBox chunk_box(const ContainerIndex& index, std::size_t i);

}  // namespace etalon::codec
