// Bits of equal weight side by side, which is what makes detector images compress: the transform of
// Bitshuffle (Masui et al., Astronomy and Computing 12, 2015).
#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.hpp"

namespace etalon {

// Of n elements of `element_size` bytes, n a multiple of 8, bit k of byte p of element 8 j + i
// becomes bit i of byte ((8 p + k) n / 8 + j). `out` is as large as `in` and does not overlap it.
void bit_shuffle(ByteSpan in, std::span<std::byte> out, std::size_t element_size);
void bit_unshuffle(ByteSpan in, std::span<std::byte> out, std::size_t element_size);

}  // namespace etalon
