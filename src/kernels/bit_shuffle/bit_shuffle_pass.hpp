// One pass over a block, for the variants.
#pragma once

#include <cstddef>

namespace etalon::bit_shuffle_pass {

// 8 · groups elements of `size` bytes at `in`.
struct Pass {
  const std::byte* in;
  std::byte* out;
  std::size_t size, groups;
};

// The groups from `first` on.
void shuffle_ref(const Pass& pass, std::size_t first);
void unshuffle_ref(const Pass& pass, std::size_t first);

// Elements of 1, 2 and 4 bytes.
void shuffle_simd(const Pass& pass);
void unshuffle_simd(const Pass& pass);

}  // namespace etalon::bit_shuffle_pass
