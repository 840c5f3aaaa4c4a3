#include "store/npy.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace etalon {
namespace {

constexpr std::string_view magic("\x93NUMPY", 6);

Error bad(std::string reason) { return {Errc::malformed, "npy header: " + std::move(reason)}; }

// The text after "'key':" in a Python dictionary literal as numpy writes it; empty when absent.
std::string_view after_key(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    at = header.find_first_not_of(' ', at + quoted.size());
    if (at == std::string_view::npos || header[at] != ':') return {};
    at = header.find_first_not_of(' ', at + 1);
    return at == std::string_view::npos ? std::string_view{} : header.substr(at);
  }
  return {};
}

Result<Shape> parse_tuple(std::string_view text) {
  if (text.empty() || text[0] != '(') return bad("'shape' is no tuple");
  std::size_t extents[Shape::max_rank] = {}, rank = 0;
  const char* at = text.data() + 1;
  const char* const end = text.data() + text.size();
  const auto skip = [&] {
    while (at != end && *at == ' ') ++at;
  };
  for (skip(); at != end && *at != ')'; skip()) {
    if (rank == Shape::max_rank) return bad("more than 6 axes");
    const auto [next, status] = std::from_chars(at, end, extents[rank]);
    if (status != std::errc{}) return bad("'shape' is no tuple of extents");
    ++rank;
    at = next;
    skip();
    if (at != end && *at == ',')
      ++at;
    else if (at == end || *at != ')')
      return bad("'shape' is no tuple of extents");
  }
  if (at == end) return bad("'shape' does not end");
  return Shape(std::span<const std::size_t>(extents, rank));
}

}  // namespace

void swap_npy_elements(const MutableArrayView& array) {
  const std::size_t size = size_of(array.dtype);
  for (std::size_t i = 0; i < array.size_bytes(); i += size)
    std::reverse(array.data + i, array.data + i + size);
}

std::size_t npy_header_size(ByteSpan start) {
  if (start.size() < 12 || text_of(start.first(6)) != magic) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(start[i]); };
  const std::size_t low = byte(8) | byte(9) << 8;
  return byte(6) == 1 ? 10 + low : 12 + (low | byte(10) << 16 | byte(11) << 24);
}

Result<NpyHeader> parse_npy_header(ByteSpan bytes) {
  if (bytes.size() < 10 || text_of(bytes.first(6)) != magic) return bad("not an npy file");
  const auto version = static_cast<unsigned>(bytes[6]);
  if (version < 1 || version > 3) return bad("version " + std::to_string(version));
  ByteReader reader(bytes.subspan(8));
  std::size_t length = 0;
  if (version == 1) {
    ETALON_ASSIGN(length, reader.get<std::uint16_t>());
  } else {
    ETALON_ASSIGN(length, reader.get<std::uint32_t>());
  }
  ETALON_ASSIGN(const ByteSpan header_bytes, reader.take(length));
  const std::string_view header = text_of(header_bytes);

  const std::string_view descr = after_key(header, "descr");
  if (descr.empty() || (descr[0] != '\'' && descr[0] != '"'))
    return bad(descr.starts_with('[') ? "structured types are not supported" : "no 'descr'");
  const std::size_t quote = descr.find(descr[0], 1);
  if (quote == std::string_view::npos) return bad("'descr' does not end");
  std::string type(descr.substr(1, quote - 1));
  const bool swap = type.starts_with('>');
  if (swap) type[0] = '<';
  if (type.size() == 3 && type[2] == '1') type[0] = '|';
  auto dtype = parse_dtype(type);
  if (!dtype.ok() || type.size() != 3)
    return bad("type '" + std::string(descr.substr(1, quote - 1)) +
               "' is not supported (integers of 8 to 64 bits, float32 and float64 are)");

  const std::string_view order = after_key(header, "fortran_order");
  if (order.starts_with("True"))
    return bad("Fortran order is not supported; save numpy.ascontiguousarray(a)");
  if (!order.starts_with("False")) return bad("no 'fortran_order'");
  ETALON_ASSIGN(const Shape shape, parse_tuple(after_key(header, "shape")));
  return NpyHeader{*dtype, shape, swap, 8 + reader.offset()};
}

Result<Array> parse_npy(ByteSpan bytes) {
  ETALON_ASSIGN(const NpyHeader header, parse_npy_header(bytes));
  const ByteSpan elements = bytes.subspan(header.size);
  std::size_t size = 0;
  if (__builtin_mul_overflow(header.shape.count(), size_of(header.dtype), &size) ||
      size != elements.size())
    return Error{Errc::malformed, "npy elements: " + to_string(header.shape) + " " +
                                      std::string(name_of(header.dtype)) + " are not the " +
                                      std::to_string(elements.size()) + " bytes that follow"};
  Array array(header.dtype, header.shape);
  if (size > 0) std::memcpy(array.mutable_view().data, elements.data(), size);
  if (header.swap) swap_npy_elements(array.mutable_view());
  return array;
}

Bytes npy_header(DType dtype, const Shape& shape) {
  const std::string_view own = name_of(dtype);  // "u16"
  std::string header = "{'descr': '";
  header += size_of(dtype) == 1 ? '|' : '<';
  header += own[0];
  header += std::to_string(size_of(dtype)) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (i > 0) header += ", ";
    header += std::to_string(shape[i]);
  }
  if (shape.rank() == 1) header += ',';
  header += "), }";
  header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');  // elements start at 64 n
  header += '\n';
  ByteWriter out;
  out.append(bytes_of(magic));
  out.put(std::uint8_t{1});
  out.put(std::uint8_t{0});
  out.put(static_cast<std::uint16_t>(header.size()));
  out.append(bytes_of(header));
  return out.take();
}

}  // namespace etalon
