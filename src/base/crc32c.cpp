#include "base/crc32c.hpp"

#include <array>

namespace etalon {
namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;  // reflected

constexpr auto table = [] {
  std::array<std::uint32_t, 256> t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) ? polynomial : 0);
    t[i] = c;
  }
  return t;
}();

#if defined(__x86_64__)
// What a state becomes by `lane` bytes of 0: it is linear, so the bits of a state add up. By byte
// of the state.
constexpr std::size_t lane = 1024;
const auto& past_lane() {
  static const auto made = [] {
    std::array<std::uint32_t, 32> bits{};
    for (std::size_t bit = 0; bit < 32; ++bit) {
      std::uint32_t state = 1u << bit;
      for (std::size_t i = 0; i < lane; ++i) state = table[state & 0xff] ^ (state >> 8);
      bits[bit] = state;
    }
    std::array<std::array<std::uint32_t, 256>, 4> sums{};
    for (std::size_t byte = 0; byte < 4; ++byte)
      for (std::size_t value = 0; value < 256; ++value)
        for (std::size_t bit = 0; bit < 8; ++bit)
          if ((value >> bit & 1) != 0) sums[byte][value] ^= bits[8 * byte + bit];
    return sums;
  }();
  return made;
}

std::uint64_t skip_lane(std::uint64_t state) {
  const auto& past = past_lane();
  return past[0][state & 0xff] ^ past[1][state >> 8 & 0xff] ^ past[2][state >> 16 & 0xff] ^
         past[3][state >> 24 & 0xff];
}

// The instruction takes three cycles and one may begin in each: three lanes side by side.
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(ByteSpan bytes, std::uint32_t crc) {
  std::uint64_t state = ~crc;
  std::size_t i = 0;
  for (; i + 3 * lane <= bytes.size(); i += 3 * lane) {
    const std::byte* const from = bytes.data() + i;
    std::uint64_t a = state & 0xffffffff, b = 0, c = 0;
    for (std::size_t k = 0; k < lane; k += 8) {
      std::uint64_t words[3];
      for (std::size_t l = 0; l < 3; ++l) std::memcpy(&words[l], from + l * lane + k, 8);
      a = __builtin_ia32_crc32di(a, words[0]);
      b = __builtin_ia32_crc32di(b, words[1]);
      c = __builtin_ia32_crc32di(c, words[2]);
    }
    state = skip_lane(skip_lane(a) ^ b) ^ c;
  }
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    state = __builtin_ia32_crc32di(state, word);
  }
  auto tail = static_cast<std::uint32_t>(state);
  for (; i < bytes.size(); ++i)
    tail = __builtin_ia32_crc32qi(tail, static_cast<std::uint8_t>(bytes[i]));
  return ~tail;
}
#endif

}  // namespace

std::uint32_t crc32c_ref(ByteSpan bytes, std::uint32_t crc) {
  crc = ~crc;
  for (std::byte b : bytes) crc = table[(crc ^ static_cast<std::uint8_t>(b)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::uint32_t crc32c(ByteSpan bytes, std::uint32_t crc) {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2");
  if (hardware) return crc32c_sse42(bytes, crc);
#endif
  return crc32c_ref(bytes, crc);
}

}  // namespace etalon
