#include "store/scan_builder.hpp"

#include <algorithm>
#include <cstring>

#include "store/base64.hpp"

namespace etalon {
namespace {

Error bad(const std::string& reason) { return {Errc::malformed, reason}; }

// Bytes of an array; the largest number where they do not fit one.
std::uint64_t bytes_of_array(DType dtype, std::uint64_t count) {
  std::uint64_t bytes = 0;
  return __builtin_mul_overflow(count, size_of(dtype), &bytes) ? ~std::uint64_t{0} : bytes;
}

}  // namespace

ScanBuilder::ScanBuilder(ByteSpan file, std::string format, const MustBeExact& exact)
    : file_(file), exact_(exact), left_(file.size()) {
  scan_.format = std::move(format);
}

Result<std::uint32_t> ScanBuilder::add(std::string name, Role role, DType dtype,
                                       const Shape& shape) {
  const std::uint64_t bytes = bytes_of_array(dtype, shape.count());
  if (bytes > left_) return bad("array '" + name + "': the file is too short for it");
  left_ -= bytes;
  name.resize(std::min<std::size_t>(name.size(), 4096));
  scan_.arrays.push_back({std::move(name), role, Array(dtype, shape)});
  return static_cast<std::uint32_t>(scan_.arrays.size() - 1);
}

Result<void> ScanBuilder::take_binary(std::uint32_t array, std::uint64_t first, std::uint64_t count,
                                      std::uint64_t offset, bool big) {
  Array& elements = scan_.arrays[array].elements;
  const std::size_t size = size_of(elements.dtype());
  const std::uint64_t bytes = bytes_of_array(elements.dtype(), count);
  if (offset > file_.size() || bytes > file_.size() - offset || first + count > elements.count())
    return bad("array '" + scan_.arrays[array].name + "': passes the end of the file");
  if (count == 0) return {};
  std::byte* const out = elements.mutable_view().data + first * size;
  std::memcpy(out, file_.data() + offset, bytes);
  if (big)
    for (std::size_t i = 0; i < bytes; i += size) std::reverse(out + i, out + i + size);
  Segment s;
  s.encoding = big ? Encoding::big : Encoding::little;
  s.first = first;
  s.count = count;
  s.columns = {{array, {}}};
  holes_.push_back({offset, offset + bytes, std::move(s), {}});
  return {};
}

Result<std::uint32_t> ScanBuilder::add_binary(std::string name, Role role, DType dtype,
                                              const Shape& shape, std::uint64_t offset, bool big) {
  const std::uint64_t bytes = bytes_of_array(dtype, shape.count());
  if (offset > file_.size() || bytes > file_.size() - offset)
    return bad("array '" + name + "': passes the end of the file");
  ETALON_ASSIGN(const std::uint32_t array, add(std::move(name), role, dtype, shape));
  ETALON_TRY(take_binary(array, 0, shape.count(), offset, big));
  return array;
}

Result<bool> ScanBuilder::add_base64(std::string name, Role role, DType dtype, const Shape& shape,
                                     std::uint64_t begin, std::uint64_t end, std::uint8_t lead) {
  const std::string_view own = text().substr(begin, end - begin);
  const auto decoded = from_base64(own);
  const std::uint64_t bytes = bytes_of_array(dtype, shape.count());
  if (!decoded.ok() || decoded->size() < lead || decoded->size() - lead != bytes) return false;
  std::uint64_t length = 0;
  std::memcpy(&length, decoded->data(), lead);
  if ((lead > 0 && length != bytes) || to_base64(*decoded) != own) return false;
  ETALON_ASSIGN(const std::uint32_t array, add(std::move(name), role, dtype, shape));
  if (bytes > 0)
    std::memcpy(scan_.arrays[array].elements.mutable_view().data, decoded->data() + lead, bytes);
  Segment s;
  s.encoding = Encoding::base64;
  s.count = shape.count();
  s.lead = lead;
  s.columns = {{array, {}}};
  holes_.push_back({begin, end, std::move(s), {}});
  return true;
}

Result<std::vector<std::uint32_t>> ScanBuilder::add_text(const std::vector<Column>& columns,
                                                         const std::vector<std::size_t>& row,
                                                         std::uint64_t begin, std::uint64_t end) {
  const std::string_view part = text().substr(begin, end - begin);
  // A pattern's bytes up to the number of columns stand for numbers.
  if (part.find_first_of(std::string_view("\x01\x02\x03\x04\x05\x06\x07\x08", columns.size())) !=
      std::string_view::npos)
    return std::vector<std::uint32_t>{};
  std::vector<std::vector<std::string_view>> words(columns.size());
  Segment s;
  s.encoding = Encoding::text;
  Bytes pattern;
  std::size_t at = 0, n = 0;
  for (std::size_t gap = 0;; gap = at, ++n) {
    const std::string_view word = next_word(part, at);
    const std::size_t word_begin = at - word.size();
    const ByteSpan blank = bytes_of(part.substr(gap, word_begin - gap));
    pattern.insert(pattern.end(), blank.begin(), blank.end());
    if (word.empty()) break;
    const std::size_t column = row[n % row.size()];
    words[column].push_back(word);
    pattern.push_back(static_cast<std::byte>(column + 1));
  }
  std::vector<ScannedArray> arrays;
  std::vector<std::uint32_t> indices;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    auto numbers = parse_numbers(words[c], columns[c].dtype, columns[c].shape);
    // What is no number of its type stays text; too few or too many are a mistake.
    if (!numbers.ok() && words[c].size() != columns[c].shape.count())
      return std::move(numbers).error().in("array '" + columns[c].name + "'");
    if (!numbers.ok()) return std::vector<std::uint32_t>{};
    NumberFormat format;
    const bool found = find_format(numbers->view(), words[c], format);
    const bool must = exact_(columns[c].name) || !is_float(columns[c].dtype);
    if (!found && must) return std::vector<std::uint32_t>{};
    if (!must && format.kind != NumberFormat::Kind::python)
      format = {NumberFormat::Kind::shortest, 0};
    indices.push_back(static_cast<std::uint32_t>(scan_.arrays.size() + c));
    s.columns.push_back({indices.back(), format});
    arrays.push_back({columns[c].name, columns[c].role, std::move(*numbers)});
  }
  for (ScannedArray& a : arrays) scan_.arrays.push_back(std::move(a));
  s.count = pattern.size();
  holes_.push_back({begin, end, std::move(s), std::move(pattern)});
  return indices;
}

Result<Scan> ScanBuilder::finish() {
  std::stable_sort(holes_.begin(), holes_.end(),
                   [](const Hole& a, const Hole& b) { return a.begin < b.begin; });
  std::uint64_t at = 0;
  const auto keep = [&](std::uint64_t end) {
    scan_.skeleton.insert(scan_.skeleton.end(), file_.begin() + static_cast<std::ptrdiff_t>(at),
                          file_.begin() + static_cast<std::ptrdiff_t>(end));
  };
  for (Hole& hole : holes_) {
    if (hole.begin < at) return bad("arrays overlap");
    keep(hole.begin);
    hole.segment.gap = hole.begin - at;
    scan_.skeleton.insert(scan_.skeleton.end(), hole.pattern.begin(), hole.pattern.end());
    scan_.segments.push_back(std::move(hole.segment));
    at = hole.end;
  }
  keep(file_.size());
  return std::move(scan_);
}

Result<void> skip_words(std::string_view text, std::uint64_t count, std::size_t& at) {
  for (std::uint64_t k = 0; k < count; ++k)
    if (next_word(text, at).empty())
      return bad("ends after " + std::to_string(k) + " of " + std::to_string(count) + " numbers");
  return {};
}

std::string_view scanned_format(ByteSpan start) {
  const std::string_view text = text_of(start.first(std::min<std::size_t>(start.size(), 4096)));
  if (text.starts_with("PK\x03\x04")) return "npz";
  if (text.starts_with("# vtk DataFile Version")) return "vtk";
  if (text.starts_with("CDF") && text.size() > 3 && (text[3] == 1 || text[3] == 2 || text[3] == 5))
    return "netcdf";
  if (text.find("<VTKFile") != std::string_view::npos &&
      text.find('<') == text.find_first_not_of(" \t\r\n\xEF\xBB\xBF"))
    return "vtu";
  // The first line that is no comment begins with a keyword of SU2.
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t word = line.find_first_not_of(" \t\r");
    if (word == std::string_view::npos || line[word] == '%') continue;
    return line.substr(word).starts_with("NDIME") || line.substr(word).starts_with("NZONE") ? "su2"
                                                                                            : "";
  }
  return "";
}

Result<Scan> scan_file(ByteSpan file, const MustBeExact& exact) {
  const std::string_view format = scanned_format(file);
  if (format == "npz") return scan_npz(file, exact);
  if (format == "vtk") return scan_vtk(file, exact);
  if (format == "vtu") return scan_vtu(file, exact);
  if (format == "netcdf") return scan_netcdf(file, exact);
  if (format == "su2") return scan_su2(file, exact);
  return bad("is of no format whose arrays are known");
}

}  // namespace etalon
