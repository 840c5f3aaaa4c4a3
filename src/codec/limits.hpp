// What a chunk may declare, so that hostile bytes cannot ask for more than they could hold.
// formats/container.md states the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace etalon::codec {

inline constexpr std::uint8_t format_major = 1, format_minor = 0;
inline constexpr std::uint64_t max_chunk_raw_bytes = std::uint64_t{1} << 30;
inline constexpr std::size_t max_labels = 16;  // the default and 15 regions
inline constexpr std::size_t max_fills = 3;
inline constexpr std::size_t max_rects = std::size_t{1} << 22;
inline constexpr std::size_t max_groups = 128;  // of pixels that may have tables of their own
inline constexpr std::size_t max_tables = 255;  // and the one of what is not coded

// A chunk of `bytes` bytes decodes to at most this many; the encoder pads where it does better.
constexpr std::uint64_t plausible_raw_bytes(std::uint64_t bytes) {
  return (std::uint64_t{1} << 20) + (bytes << 14);
}

}  // namespace etalon::codec
