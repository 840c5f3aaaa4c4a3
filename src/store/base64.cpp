#include "store/base64.hpp"

#include <array>

namespace etalon {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t none = 255;

constexpr std::array<std::uint8_t, 256> values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(none);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}();

}  // namespace

std::string to_base64(ByteSpan bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < have; ++k)
      group |= static_cast<std::uint32_t>(bytes[i + k]) << (16 - 8 * k);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= have ? alphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Result<Bytes> from_base64(std::string_view text) {
  const auto bad = [] { return Error{Errc::malformed, "base64: damaged"}; };
  if (text.size() % 4 != 0) return bad();
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    const std::size_t have = i + 4 == text.size() ? 4 - padding : 4;
    for (std::size_t k = 0; k < have; ++k) {
      const std::uint8_t v = values[static_cast<unsigned char>(text[i + k])];
      if (v == none) return bad();
      group |= static_cast<std::uint32_t>(v) << (18 - 6 * k);
    }
    for (std::size_t k = 0; k + 1 < have; ++k)
      out.push_back(static_cast<std::byte>(group >> (16 - 8 * k) & 255));
  }
  return out;
}

}  // namespace etalon
