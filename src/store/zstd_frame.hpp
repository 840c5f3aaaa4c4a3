// Bytes as one zstd frame whose size is known beforehand.
#pragma once

#include "base/bytes.hpp"

namespace etalon {

// More than this many bytes never come out of `size` bytes of zstd: what a reader may allocate.
constexpr std::uint64_t max_unpacked(std::uint64_t size) {
  return (std::uint64_t{1} << 20) + (size < (std::uint64_t{1} << 40) ? size << 16 : 0);
}

Result<Bytes> zstd_packed(ByteSpan bytes, int level);
// Errc::malformed when the frame is damaged or holds another number of bytes.
Result<Bytes> zstd_unpacked(ByteSpan frame, std::uint64_t size);

}  // namespace etalon
