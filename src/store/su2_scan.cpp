// SU2's native mesh format (su2code.github.io, "Mesh File"): sections of lines behind KEYWORD= N.
#include <charconv>

#include "store/scan_builder.hpp"

namespace etalon {
namespace {

struct Line {
  std::string_view text;
  std::size_t begin, end;  // with its newline
};

Line line_at(std::string_view text, std::size_t at) {
  const std::size_t end = std::min(text.find('\n', at), text.size());
  return {text.substr(at, end - at), at, std::min(end + 1, text.size())};
}

// "NELEM= 10216" as a keyword and its first number.
struct Keyword {
  std::string_view name;
  std::uint64_t number = 0;
};
std::optional<Keyword> keyword_of(std::string_view line) {
  const std::size_t sign = line.find('=');
  if (sign == std::string_view::npos || line.find('%') < sign) return std::nullopt;
  std::size_t at = 0, after = 0;
  const std::string_view value = line.substr(sign + 1);
  Keyword k{next_word(line.substr(0, sign), at), 0};
  const std::string_view word = next_word(value, after);
  std::from_chars(word.data(), word.data() + word.size(), k.number);
  return k;
}

// The next `count` lines, and how many words each has; 0 where they differ.
struct Rows {
  std::size_t end = 0;
  std::uint64_t words = 0;
  std::size_t width = 0;
};
Result<Rows> rows_at(std::string_view text, std::size_t at, std::uint64_t count) {
  Rows rows;
  for (std::uint64_t r = 0; r < count; ++r) {
    if (at >= text.size())
      return Error{Errc::malformed, "su2: ends after " + std::to_string(r) + " of " +
                                        std::to_string(count) + " lines"};
    const Line line = line_at(text, at);
    const std::size_t width = words_of(line.text).size();
    rows.width = r == 0 || rows.width == width ? width : 0;
    rows.words += width;
    at = line.end;
  }
  rows.end = at;
  return rows;
}

// Of a cell of VTK's type, which SU2 uses; 0 for none.
std::uint32_t nodes_of(std::int32_t type) {
  switch (type) {
    case 3:
      return 2;
    case 5:
      return 3;
    case 9:
    case 10:
      return 4;
    case 12:
      return 8;
    case 13:
      return 6;
    case 14:
      return 5;
    default:
      return 0;
  }
}

Result<void> add_cells(ScanBuilder& builder, std::string name, std::size_t at, const Rows& rows,
                       std::uint64_t count, std::vector<Topology>* topology) {
  // A line: its type, nodes, and mostly its own number.
  const Shape shape = rows.width > 0 ? Shape{count, rows.width} : Shape{rows.words};
  ETALON_ASSIGN(const auto arrays,
                builder.add_text({{std::move(name), Role::connectivity, DType::i32, shape}}, {0},
                                 at, rows.end));
  if (arrays.empty() || rows.width < 3 || topology == nullptr) return {};
  const std::int32_t type = builder.scan().arrays[arrays[0]].elements.as<std::int32_t>()[0];
  if (const std::uint32_t nodes = nodes_of(type); nodes > 0 && nodes < rows.width)
    topology->push_back({Topology::Form::table, arrays[0], arrays[0], 1, nodes, 0});
  return {};
}

// Lines of `axes` numbers, and mostly the point's own one.
Result<bool> add_points(ScanBuilder& builder, std::size_t at, const Rows& rows, std::uint64_t count,
                        std::uint64_t axes) {
  if (rows.width < axes || rows.width > axes + 3 || axes < 1 || axes > 3) return false;
  std::vector<ScanBuilder::Column> columns = {
      {"points", Role::positions, DType::f64, Shape{count, axes}}};
  std::vector<std::size_t> row(axes, 0);
  if (rows.width > axes) {
    columns.push_back(
        {"point_numbers", Role::integers, DType::i32, Shape{count, rows.width - axes}});
    row.resize(rows.width, 1);
  }
  ETALON_ASSIGN(const auto arrays, builder.add_text(columns, row, at, rows.end));
  return !arrays.empty();
}

}  // namespace

Result<Scan> scan_su2(ByteSpan file, const MustBeExact& exact) {
  ScanBuilder builder(file, "su2", exact);
  const std::string_view text = builder.text();
  std::uint64_t axes = 0, points = 0;
  std::vector<Topology> topology;
  std::string marker;
  for (std::size_t at = 0; at < text.size();) {
    const Line line = line_at(text, at);
    at = line.end;
    const auto keyword = keyword_of(line.text);
    if (!keyword) continue;
    if (keyword->name == "NDIME") axes = keyword->number;
    if (keyword->name == "MARKER_TAG") {
      std::size_t from = 0;
      marker = next_word(line.text.substr(line.text.find('=') + 1), from);
    }
    const bool elements = keyword->name == "NELEM", boundary = keyword->name == "MARKER_ELEMS";
    if (!elements && !boundary && keyword->name != "NPOIN") continue;
    if (keyword->number == 0) continue;
    ETALON_ASSIGN(const Rows rows, rows_at(text, at, keyword->number));
    if (elements || boundary) {
      ETALON_TRY(add_cells(builder, elements ? "elements" : "marker_" + marker, at, rows,
                           keyword->number, elements ? &topology : nullptr));
    } else {
      ETALON_ASSIGN(const bool taken, add_points(builder, at, rows, keyword->number, axes));
      if (taken) points = keyword->number;
    }
    at = rows.end;
  }
  if (points > 0) {
    builder.scan().topology = topology;
    builder.scan().nodes = topology.empty() ? 0 : points;
  }
  return builder.finish();
}

}  // namespace etalon
