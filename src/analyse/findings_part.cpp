#include "analyse/findings_part.hpp"

#include "base/crc32c.hpp"

namespace etalon {
namespace {

constexpr std::string_view magic = "EtalonAP";
constexpr std::uint32_t version = 1;

Error malformed(const std::string& reason) { return {Errc::malformed, reason}; }

Result<ByteSpan> get_bytes(ByteReader& reader) {
  ETALON_ASSIGN(const auto size, reader.get<std::uint64_t>());
  return reader.take(size);
}

// The text's first line, which is taken off.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

}  // namespace

Bytes pack(const FindingsPart& part) {
  ByteWriter out;
  out.append(bytes_of(magic));
  out.put(version);
  out.put(std::uint64_t{part.about.size()});
  out.append(bytes_of(part.about));
  out.put(std::uint64_t{part.ranges.size()});
  for (const std::uint64_t range : part.ranges) out.put(range);
  out.put(std::uint64_t{part.findings.size()});
  out.append(part.findings);
  out.put(crc32c(out.buffer()));
  return out.take();
}

Result<FindingsPart> unpack_findings_part(ByteSpan bytes) {
  ByteReader reader(bytes);
  ETALON_ASSIGN(const ByteSpan start, reader.take(magic.size()));
  if (text_of(start) != magic) return malformed("is no part of an analysis");
  ETALON_ASSIGN(const auto written, reader.get<std::uint32_t>());
  if (written != version)
    return malformed("has version " + std::to_string(written) + ", and this program reads " +
                     std::to_string(version));
  if (reader.left() < sizeof(std::uint32_t)) return malformed("is truncated");
  const ByteSpan checked = bytes.first(bytes.size() - sizeof(std::uint32_t));
  std::uint32_t sum = 0;
  std::memcpy(&sum, bytes.data() + checked.size(), sizeof sum);
  if (crc32c(checked) != sum) return malformed("is truncated or damaged: its checksum is another");

  reader = ByteReader(checked);
  ETALON_TRY(reader.take(start.size() + sizeof written));
  FindingsPart part;
  ETALON_ASSIGN(const ByteSpan about, get_bytes(reader));
  part.about = text_of(about);
  ETALON_ASSIGN(const auto count, reader.get<std::uint64_t>());
  if (count > reader.left() / sizeof(std::uint64_t))
    return malformed("has " + std::to_string(count) + " ranges in " +
                     std::to_string(reader.left()) + " bytes");
  for (std::uint64_t i = 0; i < count; ++i) {
    ETALON_ASSIGN(const auto range, reader.get<std::uint64_t>());
    if (!part.ranges.empty() && range <= part.ranges.back())
      return malformed("range " + std::to_string(range) + " follows " +
                       std::to_string(part.ranges.back()));
    part.ranges.push_back(range);
  }
  ETALON_ASSIGN(part.findings, get_bytes(reader));
  if (!reader.done()) return malformed("has " + std::to_string(reader.left()) + " bytes too many");
  return part;
}

std::string first_difference(std::string_view is, std::string_view should_be) {
  while (!is.empty() || !should_be.empty()) {
    const std::string_view a = take_line(is), b = take_line(should_be);
    if (a != b) return "'" + std::string(a) + "' and not '" + std::string(b) + "'";
  }
  return {};
}

}  // namespace etalon
