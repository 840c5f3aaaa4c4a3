#include "store/cbf.hpp"

#include <openssl/evp.h>

#include <charconv>
#include <limits>

namespace etalon {
namespace {

constexpr std::string_view section = "--CIF-BINARY-FORMAT-SECTION--";
constexpr std::string_view marker("\x0C\x1A\x04\xD5", 4);

Error bad(std::string reason) { return {Errc::malformed, "CBF: " + std::move(reason)}; }

// The value of a MIME header line "Name: value"; empty when absent.
std::string_view mime(std::string_view headers, std::string_view name) {
  std::size_t at = headers.find(name);
  if (at == std::string_view::npos) return {};
  at += name.size();
  std::string_view value = headers.substr(at, headers.find_first_of("\r\n", at) - at);
  const auto from = value.find_first_not_of(" \t\""), to = value.find_last_not_of(" \t\"");
  return from == std::string_view::npos ? std::string_view{} : value.substr(from, to - from + 1);
}

Result<std::size_t> mime_number(std::string_view headers, std::string_view name) {
  const std::string_view text = mime(headers, name);
  std::size_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty()) return bad(std::string(name) + " is missing");
  if (status != std::errc{} || end != text.data() + text.size())
    return bad(std::string(name) + " is no number: " + std::string(text.substr(0, 40)));
  return value;
}

std::string md5_base64(ByteSpan bytes) {
  unsigned char digest[16], text[32] = {};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr) != 1) return "";
  const int length = EVP_EncodeBlock(text, digest, 16);
  return {reinterpret_cast<char*>(text), static_cast<std::size_t>(length)};
}

}  // namespace

Result<void> decode_byte_offset(ByteSpan packed, std::span<std::int32_t> out) {
  const std::byte* at = packed.data();
  const std::byte* const end = at + packed.size();
  std::int64_t value = 0;
  // Reads a T; false when the bytes end before.
  const auto take = [&]<typename T>(T& to) {
    if (static_cast<std::size_t>(end - at) < sizeof(T)) return false;
    std::memcpy(&to, at, sizeof(T));
    at += sizeof(T);
    return true;
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto ends = [&] {
      return bad("compressed bytes end in element " + std::to_string(i) + " of " +
                 std::to_string(out.size()));
    };
    std::int8_t d1 = 0;
    if (!take(d1)) return ends();
    std::int64_t delta = d1;
    if (d1 == std::numeric_limits<std::int8_t>::min()) {
      std::int16_t d2 = 0;
      if (!take(d2)) return ends();
      delta = d2;
      if (d2 == std::numeric_limits<std::int16_t>::min()) {
        std::int32_t d4 = 0;
        if (!take(d4)) return ends();
        delta = d4;
        if (d4 == std::numeric_limits<std::int32_t>::min() && !take(delta)) return ends();
      }
    }
    if (__builtin_add_overflow(value, delta, &value) || value != static_cast<std::int32_t>(value))
      return bad("element " + std::to_string(i) + " does not fit 32 bits");
    out[i] = static_cast<std::int32_t>(value);
  }
  if (at != end) return bad(std::to_string(end - at) + " compressed bytes are left over");
  return {};
}

Result<CbfImage> parse_cbf(ByteSpan file) {
  const std::string_view text = text_of(file);
  if (!text.starts_with("###CBF")) return bad("does not start with ###CBF");
  const std::size_t begin = text.find(section);
  const std::size_t data = text.find(marker, begin == std::string_view::npos ? 0 : begin);
  if (begin == std::string_view::npos || data == std::string_view::npos)
    return bad("no binary section");
  const std::string_view headers = text.substr(begin, data - begin);

  if (headers.find("x-CBF_BYTE_OFFSET") == std::string_view::npos)
    return bad("compression other than x-CBF_BYTE_OFFSET");
  const std::string_view type = mime(headers, "X-Binary-Element-Type:");
  if (type != "signed 32-bit integer")
    return bad("elements of type '" + std::string(type.substr(0, 40)) +
               "'; signed 32-bit integers are supported");
  const std::string_view order = mime(headers, "X-Binary-Element-Byte-Order:");
  if (!order.empty() && order != "LITTLE_ENDIAN") return bad("byte order is not LITTLE_ENDIAN");
  ETALON_ASSIGN(const std::size_t size, mime_number(headers, "X-Binary-Size:"));
  ETALON_ASSIGN(const std::size_t count, mime_number(headers, "X-Binary-Number-of-Elements:"));
  ETALON_ASSIGN(const std::size_t nx, mime_number(headers, "X-Binary-Size-Fastest-Dimension:"));
  ETALON_ASSIGN(const std::size_t ny, mime_number(headers, "X-Binary-Size-Second-Dimension:"));

  const ByteSpan rest = file.subspan(data + marker.size());
  if (size > rest.size())
    return bad("truncated: " + std::to_string(rest.size()) + " of " + std::to_string(size) +
               " bytes of the image are there");
  std::size_t product = 0;
  // Every element takes a byte or more, so this also bounds what is allocated below.
  if (__builtin_mul_overflow(nx, ny, &product) || product != count || count > size || count == 0)
    return bad(std::to_string(ny) + "x" + std::to_string(nx) + " elements do not agree with " +
               std::to_string(count) + " in " + std::to_string(size) + " bytes");
  const ByteSpan packed = rest.first(size);
  const std::string_view md5 = mime(headers, "Content-MD5:");
  if (!md5.empty()) {
    const std::string actual = md5_base64(packed);
    if (!actual.empty() && actual != md5)
      return bad("damaged: MD5 is " + actual + ", the header says " +
                 std::string(md5.substr(0, 40)));
  }
  CbfImage cbf{Array(DType::i32, {ny, nx}), {}};
  ETALON_TRY(decode_byte_offset(packed, cbf.image.as<std::int32_t>()));
  cbf.info.frames = 1;
  cbf.info.dtype = DType::i32;
  cbf.info.geometry.ny = ny;
  cbf.info.geometry.nx = nx;
  parse_pilatus_header(text.substr(0, begin), cbf.info);
  return cbf;
}

}  // namespace etalon
