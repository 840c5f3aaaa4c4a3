#include "store/base64.hpp"
#include "store/scan_builder.hpp"
#include "store/vtk_xml.hpp"

namespace etalon {
namespace {

class Scanner {
 public:
  Scanner(ByteSpan file, const XmlFile& xml, const MustBeExact& exact)
      : builder_(file, "vtu", exact), xml_(xml) {}

  Result<Scan> scan() {
    for (const XmlArray& a : xml_.arrays) {
      if (!a.known_type || !xml_.compressor.empty()) continue;
      const auto before = builder_.scan().arrays.size();
      if (a.format == "appended") {
        ETALON_TRY(appended(a));
      } else if (a.format == "binary") {
        ETALON_TRY(inline_binary(a));
      } else {
        ETALON_TRY(text(a));
      }
      if (builder_.scan().arrays.size() > before)
        note_topology(a, static_cast<std::uint32_t>(before));
    }
    if (xml_.pieces == 1 && nodes_ && ends_ && xml_.points > 0) {
      builder_.scan().topology = {{Topology::Form::offsets, *nodes_, *ends_, 0, 0, 0}};
      builder_.scan().nodes = xml_.points;
    }
    return builder_.finish();
  }

 private:
  static Role role_of(const XmlArray& a) {
    if (a.section == "Points" && is_float(a.dtype)) return Role::positions;
    if (is_float(a.dtype)) return Role::values;
    return a.name == "connectivity" ? Role::connectivity : Role::integers;
  }

  void note_topology(const XmlArray& a, std::uint32_t array) {
    if (is_float(a.dtype) || (a.section != "Cells" && a.section != "Polys")) return;
    if (a.name == "connectivity") nodes_ = array;
    if (a.name == "offsets") ends_ = array;
  }

  static Shape shape_of(const XmlArray& a, std::uint64_t elements) {
    if (a.components == 1 || elements % a.components != 0) return Shape{elements};
    return Shape{elements / a.components, a.components};
  }

  // The size that stands before data; none where it does not fit.
  std::optional<std::uint64_t> size_before(ByteSpan bytes) const {
    if (bytes.size() < xml_.header) return std::nullopt;
    std::uint64_t size = 0;
    for (std::size_t k = 0; k < xml_.header; ++k) {
      const std::size_t byte = xml_.big ? k : xml_.header - 1 - k;
      size = size << 8 | static_cast<std::uint64_t>(bytes[byte]);
    }
    return size;
  }

  Result<void> appended(const XmlArray& a) {
    const std::uint64_t begin = xml_.appended + a.offset, size = builder_.file().size();
    if (xml_.appended == 0 || a.offset >= size || begin >= size)
      return Error{Errc::malformed, "vtk xml: array '" + a.name + "': offset passes the end"};
    if (xml_.appended_base64) {
      const std::size_t lead = (xml_.header + 2) / 3 * 4;
      const std::string_view text = builder_.text().substr(begin);
      if (text.size() < lead) return {};
      return base64(a, begin, text);
    }
    const auto bytes = size_before(builder_.file().subspan(begin));
    if (!bytes || *bytes % size_of(a.dtype) != 0)
      return Error{Errc::malformed, "vtk xml: array '" + a.name + "': its size is damaged"};
    ETALON_TRY(builder_.add_binary(a.name, role_of(a), a.dtype,
                                   shape_of(a, *bytes / size_of(a.dtype)), begin + xml_.header,
                                   xml_.big));
    return {};
  }

  Result<void> inline_binary(const XmlArray& a) {
    return base64(a, a.begin, builder_.text().substr(a.begin, a.end - a.begin));
  }

  // What is not as expected stays in the skeleton.
  Result<void> base64(const XmlArray& a, std::uint64_t begin, std::string_view text) {
    if (xml_.big || text.size() < 12) return {};
    const auto decoded = from_base64(text.substr(0, 12));  // which hold the size
    const auto bytes = decoded.ok() ? size_before(*decoded) : std::nullopt;
    if (!bytes || *bytes > text.size() || *bytes % size_of(a.dtype) != 0) return {};
    const std::uint64_t characters = (*bytes + xml_.header + 2) / 3 * 4;
    if (characters > text.size()) return {};
    ETALON_TRY(builder_.add_base64(a.name, role_of(a), a.dtype,
                                   shape_of(a, *bytes / size_of(a.dtype)), begin,
                                   begin + characters, static_cast<std::uint8_t>(xml_.header)));
    return {};
  }

  Result<void> text(const XmlArray& a) {
    const auto words = words_of(builder_.text().substr(a.begin, a.end - a.begin));
    if (words.empty()) return {};
    ETALON_TRY(builder_.add_text({{a.name, role_of(a), a.dtype, shape_of(a, words.size())}}, {0},
                                 a.begin, a.end));
    return {};
  }

  ScanBuilder builder_;
  const XmlFile& xml_;
  std::optional<std::uint32_t> nodes_, ends_;
};

}  // namespace

Result<Scan> scan_vtu(ByteSpan file, const MustBeExact& exact) {
  ETALON_ASSIGN(XmlFile xml, parse_vtk_xml(text_of(file)));
  if (xml.compressor.empty()) return Scanner(file, xml, exact).scan();
  // With a compressor that is not known, all arrays stay in the skeleton.
  if (xml.compressor != "vtkZLibDataCompressor" || xml.big) return Scanner(file, xml, exact).scan();
  ETALON_ASSIGN(const Bytes plain, without_zlib(file, xml));
  ETALON_ASSIGN(xml, parse_vtk_xml(text_of(plain)));
  ETALON_ASSIGN(Scan scan, Scanner(plain, xml, exact).scan());
  scan.unpacked = true;
  return scan;
}

}  // namespace etalon
