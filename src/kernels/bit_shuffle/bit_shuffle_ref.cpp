// Eight elements at a time: a byte of each makes a square of 8 x 8 bits, which is transposed.
#include <cstdint>

#include "kernels/bit_shuffle/bit_shuffle_pass.hpp"
#include "kernels/dispatch.hpp"

namespace etalon::bit_shuffle_pass {
namespace {

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

}  // namespace

void shuffle_ref(const Pass& p, std::size_t first) {
  for (std::size_t byte = 0; byte < p.size; ++byte)
    for (std::size_t j = first; j < p.groups; ++j)
      scatter(transpose_bits(gather(p.in + 8 * p.size * j + byte, p.size)),
              p.out + 8 * byte * p.groups + j, p.groups);
  if (first == 0) record_run(0);
}

void unshuffle_ref(const Pass& p, std::size_t first) {
  for (std::size_t byte = 0; byte < p.size; ++byte)
    for (std::size_t j = first; j < p.groups; ++j)
      scatter(transpose_bits(gather(p.in + 8 * byte * p.groups + j, p.groups)),
              p.out + 8 * p.size * j + byte, p.size);
  if (first == 0) record_run(0);
}

}  // namespace etalon::bit_shuffle_pass
