#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/cbor.hpp"
#include "base/utf8.hpp"

namespace etalon::cbor {
namespace {

// The digits that read back to the same double, always with a point, as RFC 8949 appendix A prints
// them: fixed from 1e-6 to 1e21, with an exponent elsewhere.
std::string print(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
  const double size = std::fabs(d);
  const bool fixed = size == 0 || (size >= 1e-6 && size < 1e21);
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, d,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string text(digits, end);
  const std::size_t e = text.find('e');
  if (text.find('.') == std::string::npos) text.insert(std::min(e, text.size()), ".0");
  if (!fixed) {  // e-08 as e-8
    const std::size_t exponent = text.find('e') + 2;
    if (text[exponent] == '0') text.erase(exponent, 1);
  }
  return text;
}

std::string print(const std::string& text) {
  std::string out = "\"";
  for (const char c : to_utf8(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string print(ByteSpan bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "h'";
  for (const std::byte b : bytes) {
    out += digits[static_cast<unsigned>(b) >> 4];
    out += digits[static_cast<unsigned>(b) & 15];
  }
  return out + '\'';
}

std::string print(const Bytes& bytes) { return print(ByteSpan(bytes)); }
std::string print(Null) { return "null"; }
std::string print(Undefined) { return "undefined"; }
std::string print(bool b) { return b ? "true" : "false"; }
std::string print(Simple s) { return "simple(" + std::to_string(s.number) + ")"; }
std::string print(std::int64_t n) { return std::to_string(n); }
std::string print(std::uint64_t n) { return std::to_string(n); }
std::string print(Negative n) {
  if (n.n == UINT64_MAX) return "-18446744073709551616";
  return std::string("-").append(std::to_string(n.n + 1));
}
std::string print(const std::shared_ptr<const Tagged>& tagged) {
  if (!tagged) return print(Undefined{});
  return std::to_string(tagged->tag) + "(" + diagnostic(tagged->content) + ")";
}
std::string print(const List& list) {
  std::string out = "[";
  for (const Value& item : list) out += (out.size() > 1 ? ", " : "") + diagnostic(item);
  return out + "]";
}
std::string print(const Map& map) {
  std::string out = "{";
  for (const auto& [key, value] : map)
    out += (out.size() > 1 ? ", " : "") + diagnostic(key) + ": " + diagnostic(value);
  return out + "}";
}

}  // namespace

std::string diagnostic(const Value& value) {
  return std::visit([](const auto& v) { return print(v); }, value.variant());
}

}  // namespace etalon::cbor
