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
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(ByteSpan bytes, std::uint32_t crc) {
  std::uint64_t state = ~crc;
  std::size_t i = 0;
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
