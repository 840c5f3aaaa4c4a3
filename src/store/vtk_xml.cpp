#include "store/vtk_xml.hpp"

#include <zlib.h>

#include <charconv>
#include <cstring>
#include <map>

#include "store/base64.hpp"
#include "store/number_text.hpp"

namespace etalon {
namespace {

Error bad(const std::string& reason) { return {Errc::malformed, "vtk xml: " + reason}; }

// Where an attribute's value stands in a tag; empty for none.
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    if (at == 0 || !is_space(tag[at - 1])) continue;
    std::size_t sign = at + name.size();
    while (sign < tag.size() && is_space(tag[sign])) ++sign;
    if (sign >= tag.size() || tag[sign] != '=') continue;
    ++sign;
    while (sign < tag.size() && is_space(tag[sign])) ++sign;
    if (sign >= tag.size() || (tag[sign] != '"' && tag[sign] != '\'')) continue;
    const std::size_t end = tag.find(tag[sign], sign + 1);
    if (end == std::string_view::npos) return {};
    return tag.substr(sign + 1, end - sign - 1);
  }
  return {};
}

std::uint64_t number(std::string_view text, std::uint64_t otherwise) {
  std::uint64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<DType> dtype_of(std::string_view type) {
  static const std::map<std::string_view, DType> types = {
      {"UInt8", DType::u8},   {"UInt16", DType::u16}, {"UInt32", DType::u32},
      {"UInt64", DType::u64}, {"Int8", DType::i8},    {"Int16", DType::i16},
      {"Int32", DType::i32},  {"Int64", DType::i64},  {"Float32", DType::f32},
      {"Float64", DType::f64}};
  const auto found = types.find(type);
  if (found == types.end()) return std::nullopt;
  return found->second;
}

Result<XmlArray> read_array(std::string_view text, std::string_view tag, std::size_t tag_end) {
  XmlArray a;
  a.name = attribute(tag, "Name");
  a.format = attribute(tag, "format");
  if (const auto dtype = dtype_of(attribute(tag, "type"))) {
    a.dtype = *dtype;
    a.known_type = true;
  }
  a.components = std::max<std::uint64_t>(1, number(attribute(tag, "NumberOfComponents"), 1));
  if (const auto offset = attribute(tag, "offset"); !offset.empty()) {
    a.offset = number(offset, ~std::uint64_t{0});
    a.offset_begin = static_cast<std::size_t>(offset.data() - text.data());
    a.offset_end = a.offset_begin + offset.size();
  }
  a.begin = a.end = tag_end;
  if (tag.ends_with("/>")) return a;
  std::size_t end = text.find('<', tag_end);
  if (end == std::string_view::npos) return bad("a DataArray does not end");
  a.end = end;
  while (a.begin < a.end && is_space(text[a.begin])) ++a.begin;
  while (a.end > a.begin && is_space(text[a.end - 1])) --a.end;
  return a;
}

Result<void> find_appended(XmlFile& xml, std::string_view text, std::string_view tag,
                           std::size_t tag_end) {
  xml.appended_base64 = attribute(tag, "encoding") == "base64";
  const std::size_t mark = text.find('_', tag_end);
  if (mark == std::string_view::npos) return bad("AppendedData has no '_'");
  xml.appended = mark + 1;
  return {};
}

}  // namespace

Result<XmlFile> parse_vtk_xml(std::string_view text) {
  XmlFile xml;
  std::string section;
  for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at)) {
    if (text.substr(at).starts_with("<!--")) {
      at = text.find("-->", at);
      if (at == std::string_view::npos) return bad("a comment does not end");
      continue;
    }
    const std::size_t end = text.find('>', at);
    if (end == std::string_view::npos) return bad("a tag does not end");
    const std::string_view tag = text.substr(at, end + 1 - at);
    std::size_t word = 1;
    std::string_view name = next_word(tag, word);
    while (name.ends_with('>') || name.ends_with('/')) name.remove_suffix(1);
    at = end + 1;
    if (name == "VTKFile") {
      xml.big = attribute(tag, "byte_order") == "BigEndian";
      xml.header = attribute(tag, "header_type") == "UInt64" ? 8 : 4;
      const std::string_view compressor = attribute(tag, "compressor");
      xml.compressor = compressor;
      if (!compressor.empty()) {
        const auto begin = static_cast<std::size_t>(compressor.data() - text.data());
        xml.compressor_begin = text.rfind("compressor", begin) - 1;
        xml.compressor_end = begin + compressor.size() + 1;
      }
    } else if (name == "Piece") {
      ++xml.pieces;
      xml.points = number(attribute(tag, "NumberOfPoints"), 0);
    } else if (name == "DataArray") {
      ETALON_ASSIGN(XmlArray array, read_array(text, tag, at));
      array.section = section;
      at = std::max(at, array.end);
      xml.arrays.push_back(std::move(array));
    } else if (name == "AppendedData") {
      ETALON_TRY(find_appended(xml, text, tag, at));
      break;  // what follows may be any bytes
    } else if (!name.starts_with('/')) {
      section = name;
    }
  }
  return xml;
}

namespace {

// A base64 text from `begin` on that holds `size` bytes.
Result<Bytes> base64_at(std::string_view text, std::size_t begin, std::uint64_t size) {
  if (size > text.size()) return bad("compressed data pass the end");
  const std::size_t characters = (size + 2) / 3 * 4;
  if (begin > text.size() || characters > text.size() - begin)
    return bad("compressed data pass the end");
  return from_base64(text.substr(begin, characters));
}

// Blocks of zlib behind a table of their sizes: number, size of a block, of the last, packed sizes.
class Blocks {
 public:
  Blocks(std::string_view text, const XmlFile& xml, std::size_t begin, bool base64)
      : text_(text), header_(xml.header), begin_(begin), base64_(base64) {}

  Result<Bytes> read() {
    ETALON_ASSIGN(const Bytes first, part(begin_, header_));
    const std::uint64_t count = number_at(first, 0);
    if (count > text_.size()) return bad("more blocks than bytes");
    const std::uint64_t table_size = (3 + count) * header_;
    ETALON_ASSIGN(const Bytes table, part(begin_, table_size));
    std::uint64_t packed = 0;
    for (std::uint64_t b = 0; b < count; ++b) {
      if (number_at(table, 3 + b) > text_.size()) return bad("compressed data pass the end");
      packed += number_at(table, 3 + b);
    }
    const std::size_t data_begin = begin_ + (base64_ ? (table_size + 2) / 3 * 4 : table_size);
    ETALON_ASSIGN(const Bytes data, part(data_begin, packed));
    const std::uint64_t size = number_at(table, 1), last = number_at(table, 2);
    Bytes out;
    std::uint64_t at = 0;
    for (std::uint64_t b = 0; b < count; ++b) {
      const std::uint64_t own = number_at(table, 3 + b);
      const std::uint64_t raw = b + 1 == count && last > 0 ? last : size;
      if (raw > 1040 * (own + 1)) return bad("a block cannot hold what it declares");
      const std::size_t to = out.size();
      out.resize(to + raw);
      uLongf length = raw;
      if (uncompress(reinterpret_cast<Bytef*>(out.data() + to), &length,
                     reinterpret_cast<const Bytef*>(data.data() + at), own) != Z_OK ||
          length != raw)
        return bad("a block is damaged");
      at += own;
    }
    return out;
  }

 private:
  Result<Bytes> part(std::size_t begin, std::uint64_t size) const {
    if (base64_) {
      ETALON_ASSIGN(Bytes bytes, base64_at(text_, begin, size));
      if (bytes.size() < size) return bad("compressed data are cut short");
      bytes.resize(size);
      return bytes;
    }
    if (begin > text_.size() || size > text_.size() - begin)
      return bad("compressed data pass the end");
    const ByteSpan bytes = bytes_of(text_.substr(begin, size));
    return Bytes(bytes.begin(), bytes.end());
  }
  std::uint64_t number_at(const Bytes& table, std::uint64_t i) const {
    std::uint64_t value = 0;
    std::memcpy(&value, table.data() + i * header_, header_);
    return value;
  }

  std::string_view text_;
  std::size_t header_, begin_;
  bool base64_;
};

Bytes with_size(const Bytes& data, std::size_t header) {
  Bytes out(header);
  const std::uint64_t size = data.size();
  std::memcpy(out.data(), &size, header);
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

}  // namespace

Result<Bytes> without_zlib(ByteSpan file, const XmlFile& xml) {
  const std::string_view text = text_of(file);
  if (xml.compressor != "vtkZLibDataCompressor" || xml.big)
    return bad("compressor " + xml.compressor + " is not known, or the byte order is not");
  std::string out(text.substr(0, xml.compressor_begin));
  std::size_t at = xml.compressor_end;
  const auto keep = [&](std::size_t end) {
    out += text.substr(at, end - at);
    at = end;
  };
  std::string appended;
  for (const XmlArray& a : xml.arrays) {
    if (a.format == "binary" && a.end > a.begin) {
      ETALON_ASSIGN(const Bytes data, Blocks(text, xml, a.begin, true).read());
      keep(a.begin);
      out += to_base64(with_size(data, xml.header));
      at = a.end;
    } else if (a.format == "appended" && a.offset_begin > 0) {
      if (xml.appended == 0 || a.offset > text.size()) return bad("an offset passes the end");
      ETALON_ASSIGN(const Bytes data,
                    Blocks(text, xml, xml.appended + a.offset, xml.appended_base64).read());
      keep(a.offset_begin);
      out += std::to_string(appended.size());
      at = a.offset_end;
      const Bytes whole = with_size(data, xml.header);
      appended += xml.appended_base64 ? to_base64(whole) : std::string(text_of(whole));
    }
  }
  if (xml.appended > 0) {
    keep(xml.appended);
    out += appended + "\n  </AppendedData>\n</VTKFile>\n";
  } else {
    keep(text.size());
  }
  const ByteSpan bytes = bytes_of(out);
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace etalon
