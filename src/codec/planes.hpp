// Byte planes: exact coding of elements of any width. Differences along the axes are taken modulo
// the width; then every byte of the elements gets a static table of its own.
#pragma once

#include <span>

#include "base/bytes.hpp"
#include "codec/counts.hpp"
#include "etalon/result.hpp"

namespace etalon::codec {

// `bytes` holds grid.count() elements of `width` bytes (1, 2, 4 or 8); `floats` orders them as
// numbers before differences are taken.
Bytes encode_planes(ByteSpan bytes, std::size_t width, bool floats, const Grid& grid);
// The bits that takes, about, as a sample of large arrays tells.
double planes_bits(ByteSpan bytes, std::size_t width, bool floats, const Grid& grid);
Result<void> decode_planes(ByteSpan coded, std::size_t width, bool floats, const Grid& grid,
                           std::span<std::byte> out);

}  // namespace etalon::codec
