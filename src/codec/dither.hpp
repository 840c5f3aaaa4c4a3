// The dither of element i of a chunk: what SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) seeded with
// `seed` gives as its i-th number, so that a decoder can have it again, in any order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "codec/limits.hpp"

namespace etalon::codec {

constexpr std::uint64_t dither_bits(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

// Integers: uniform on -bound..bound, the quantizer's step being 2 bound + 1.
constexpr std::int64_t integer_dither(std::uint64_t bits, std::uint64_t bound) {
  const std::uint64_t step = 2 * bound + 1;
  const auto scaled = static_cast<unsigned __int128>(bits) * step;
  return static_cast<std::int64_t>(scaled >> 64) - static_cast<std::int64_t>(bound);
}
// Floats: uniform on [-1/2, 1/2) steps.
constexpr double unit_dither(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1p-53 - 0.5;
}

// What a quantized number is depends on its dither, which the decoder knows: tables may depend on
// it, in at most this many steps.
constexpr unsigned dither_hints(std::uint64_t bound, std::size_t labels) {
  const std::uint64_t most = std::min<std::uint64_t>(15, max_groups / labels);
  return static_cast<unsigned>(bound == 0 ? 1 : std::min<std::uint64_t>(2 * bound + 1, most));
}
constexpr std::uint8_t dither_hint(std::int64_t dither, std::uint64_t bound, unsigned hints) {
  const auto from_zero = static_cast<std::uint64_t>(dither + static_cast<std::int64_t>(bound));
  return static_cast<std::uint8_t>(from_zero * hints / (2 * bound + 1));
}

}  // namespace etalon::codec
