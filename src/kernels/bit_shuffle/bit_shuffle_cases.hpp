// Blocks of bytes, and the definition bit by bit, for tests and benchmark.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "base/bytes.hpp"

namespace etalon::bit_shuffle_cases {

inline Bytes random_block(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  Bytes out(bytes);
  for (std::byte& b : out) b = static_cast<std::byte>(random());
  return out;
}

inline Bytes shuffled_by_definition(ByteSpan in, std::size_t size) {
  const std::size_t n = in.size() / size;
  Bytes out(in.size());
  for (std::size_t e = 0; e < n; ++e)
    for (std::size_t p = 0; p < size; ++p)
      for (std::size_t k = 0; k < 8; ++k)
        out[(8 * p + k) * (n / 8) + e / 8] |= ((in[e * size + p] >> k) & std::byte{1}) << (e % 8);
  return out;
}

}  // namespace etalon::bit_shuffle_cases
