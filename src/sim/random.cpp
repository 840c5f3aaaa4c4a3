#include "sim/random.hpp"

#include <cmath>

#include "base/exact_math.hpp"

namespace etalon {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

double RandomStream::exponential() { return -exact::log(uniform()); }

double RandomStream::normal() {
  const double radius = std::sqrt(2 * exponential());
  return radius * exact::sincos_turns(uniform()).second;
}

}  // namespace etalon
