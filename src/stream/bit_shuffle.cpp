#include "stream/bit_shuffle.hpp"

#include <algorithm>
#include <cstdint>

namespace etalon {
namespace {

// Calls f(element, byte, bit, place in the shuffled bytes, bit there) for every bit.
template <typename F>
void each_bit(std::size_t size, std::size_t element_size, F&& f) {
  const std::size_t n = size / element_size;
  for (std::size_t e = 0; e < n; ++e)
    for (std::size_t p = 0; p < element_size; ++p)
      for (unsigned k = 0; k < 8; ++k)
        f(e * element_size + p, k, (8 * p + k) * (n / 8) + e / 8, static_cast<unsigned>(e % 8));
}

void copy_bit(ByteSpan in, std::size_t from, unsigned from_bit, std::span<std::byte> out,
              std::size_t to, unsigned to_bit) {
  out[to] |= ((in[from] >> from_bit) & std::byte{1}) << to_bit;
}

// Bit k of byte i becomes bit i of byte k (Warren, Hacker's Delight, section 7-3).
std::uint64_t transpose_bits(std::uint64_t x) {
  std::uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAULL;
  x ^= t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCULL;
  x ^= t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ULL;
  return x ^ t ^ (t << 28);
}

std::uint64_t gather(const std::byte* from, std::size_t stride) {
  std::uint64_t x = 0;
  for (unsigned i = 0; i < 8; ++i) x |= static_cast<std::uint64_t>(from[i * stride]) << (8 * i);
  return x;
}

void scatter(std::uint64_t x, std::byte* to, std::size_t stride) {
  for (unsigned i = 0; i < 8; ++i) to[i * stride] = static_cast<std::byte>(x >> (8 * i));
}

template <std::size_t size>
void shuffle(const std::byte* in, std::byte* out, std::size_t groups) {
  for (std::size_t p = 0; p < size; ++p)
    for (std::size_t j = 0; j < groups; ++j)
      scatter(transpose_bits(gather(in + 8 * size * j + p, size)), out + 8 * p * groups + j,
              groups);
}

template <std::size_t size>
void unshuffle(const std::byte* in, std::byte* out, std::size_t groups) {
  for (std::size_t p = 0; p < size; ++p)
    for (std::size_t j = 0; j < groups; ++j)
      scatter(transpose_bits(gather(in + 8 * p * groups + j, groups)), out + 8 * size * j + p,
              size);
}

}  // namespace

void bit_shuffle_reference(ByteSpan in, std::span<std::byte> out, std::size_t element_size) {
  std::fill(out.begin(), out.end(), std::byte{0});
  each_bit(in.size(), element_size,
           [&](std::size_t from, unsigned from_bit, std::size_t to, unsigned to_bit) {
             copy_bit(in, from, from_bit, out, to, to_bit);
           });
}

void bit_unshuffle_reference(ByteSpan in, std::span<std::byte> out, std::size_t element_size) {
  std::fill(out.begin(), out.end(), std::byte{0});
  each_bit(in.size(), element_size,
           [&](std::size_t to, unsigned to_bit, std::size_t from, unsigned from_bit) {
             copy_bit(in, from, from_bit, out, to, to_bit);
           });
}

void bit_shuffle(ByteSpan in, std::span<std::byte> out, std::size_t element_size) {
  const std::size_t groups = in.size() / element_size / 8;
  switch (element_size) {
    case 1:
      return shuffle<1>(in.data(), out.data(), groups);
    case 2:
      return shuffle<2>(in.data(), out.data(), groups);
    case 4:
      return shuffle<4>(in.data(), out.data(), groups);
    default:
      return bit_shuffle_reference(in, out, element_size);
  }
}

void bit_unshuffle(ByteSpan in, std::span<std::byte> out, std::size_t element_size) {
  const std::size_t groups = in.size() / element_size / 8;
  switch (element_size) {
    case 1:
      return unshuffle<1>(in.data(), out.data(), groups);
    case 2:
      return unshuffle<2>(in.data(), out.data(), groups);
    case 4:
      return unshuffle<4>(in.data(), out.data(), groups);
    default:
      return bit_unshuffle_reference(in, out, element_size);
  }
}

}  // namespace etalon
