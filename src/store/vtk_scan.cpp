// VTK's legacy files, versions 1 to 5 (VTK User's Guide, "VTK File Formats"). What a keyword brings
// that is not known here stays in the skeleton, with all behind it.
#include <charconv>
#include <map>

#include "store/scan_builder.hpp"

namespace etalon {
namespace {

std::optional<DType> dtype_of(std::string_view name) {
  static const std::map<std::string_view, DType> types = {
      {"unsigned_char", DType::u8},  {"char", DType::i8},           {"unsigned_short", DType::u16},
      {"short", DType::i16},         {"unsigned_int", DType::u32},  {"int", DType::i32},
      {"unsigned_long", DType::u64}, {"long", DType::i64},          {"vtktypeint64", DType::i64},
      {"vtktypeuint64", DType::u64}, {"vtkIdType", DType::i32},     {"vtktypeint32", DType::i32},
      {"vtktypeuint32", DType::u32}, {"vtktypeint8", DType::i8},    {"vtktypeuint8", DType::u8},
      {"vtktypeint16", DType::i16},  {"vtktypeuint16", DType::u16}, {"float", DType::f32},
      {"double", DType::f64}};
  const auto found = types.find(name);
  if (found == types.end()) return std::nullopt;
  return found->second;
}

class Scanner {
 public:
  Scanner(ByteSpan file, const MustBeExact& exact)
      : builder_(file, "vtk", exact), text_(builder_.text()) {}

  Result<Scan> scan() {
    next_line();
    next_line();  // title
    const auto kind = words_of(next_line());
    if (kind.empty() || (kind[0] != "ASCII" && kind[0] != "BINARY"))
      return Error{Errc::malformed, "vtk: line 3 is neither ASCII nor BINARY"};
    binary_ = kind[0] == "BINARY";
    while (true) {
      const auto words = words_of(next_filled_line());
      if (words.empty()) break;
      ETALON_ASSIGN(const bool known, section(words));
      if (!known) break;
    }
    Scan& scan = builder_.scan();
    if (points_ > 0 && !scan.topology.empty()) scan.nodes = points_;
    if (scan.nodes == 0) scan.topology.clear();
    return builder_.finish();
  }

 private:
  std::string_view next_line() {
    const std::size_t begin = at_, end = std::min(text_.find('\n', at_), text_.size());
    at_ = std::min(end + 1, text_.size());
    return text_.substr(begin, end - begin);
  }
  std::string_view next_filled_line() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return next_line();
  }

  static std::uint64_t number(const std::vector<std::string_view>& words, std::size_t i) {
    std::uint64_t value = 0;
    if (i < words.size())
      std::from_chars(words[i].data(), words[i].data() + words[i].size(), value);
    return value;
  }

  // Elements that follow here. None where they stay text.
  Result<std::optional<std::uint32_t>> take(const std::string& name, Role role, DType dtype,
                                            const Shape& shape) {
    if (binary_) {
      ETALON_ASSIGN(const std::uint32_t array,
                    builder_.add_binary(name, role, dtype, shape, at_, true));
      at_ += shape.count() * size_of(dtype);
      return std::optional<std::uint32_t>(array);
    }
    const std::size_t begin = at_;
    auto skipped = skip_words(text_, shape.count(), at_);
    if (!skipped.ok()) return std::move(skipped).error().in("vtk: array '" + name + "'");
    ETALON_ASSIGN(const auto arrays,
                  builder_.add_text({{name, role, dtype, shape}}, {0}, begin, at_));
    return arrays.empty() ? std::nullopt : std::optional<std::uint32_t>(arrays[0]);
  }

  // Tuples of `width` numbers of a named type; false where the type is not known.
  Result<bool> take_tuples(std::string_view name, Role role, std::string_view type,
                           std::uint64_t count, std::uint64_t width) {
    const auto dtype = dtype_of(type);
    if (!dtype || width == 0) return false;
    if (!is_float(*dtype) && role != Role::connectivity) role = Role::integers;
    const Shape shape = width == 1 ? Shape{count} : Shape{count, width};
    ETALON_TRY(take(std::string(name), role, *dtype, shape));
    return true;
  }

  Result<bool> cells(const std::vector<std::string_view>& words, const std::string& name) {
    const std::uint64_t count = number(words, 1), size = number(words, 2);
    const std::size_t here = at_;
    const auto next = words_of(next_filled_line());
    if (!next.empty() && next[0] == "OFFSETS") {  // version 5: ends with a 0 before, then nodes
      const auto type = next.size() > 1 ? dtype_of(next[1]) : std::nullopt;
      if (!type) return false;
      ETALON_ASSIGN(const auto starts, take(name + "_offsets", Role::integers, *type, {count}));
      const auto second = words_of(next_filled_line());
      if (second.size() < 2 || second[0] != "CONNECTIVITY" || !dtype_of(second[1])) return false;
      ETALON_ASSIGN(const auto nodes, take(name, Role::connectivity, *dtype_of(second[1]), {size}));
      if (starts && nodes)
        builder_.scan().topology.push_back({Topology::Form::offsets, *nodes, *starts, 0, 0, 0});
      return true;
    }
    at_ = here;
    const bool table = count > 0 && size % count == 0 && is_table(count, size / count);
    const Shape shape = table ? Shape{count, size / count} : Shape{size};
    ETALON_ASSIGN(const auto array, take(name, Role::connectivity, DType::i32, shape));
    if (array)
      builder_.scan().topology.push_back({table ? Topology::Form::table : Topology::Form::prefixed,
                                          *array, *array, table ? 1U : 0U, 0, 0});
    return true;
  }

  // Whether every cell here has as many nodes as the first.
  bool is_table(std::uint64_t count, std::uint64_t width) const {
    if (width == 0 || width > text_.size()) return false;
    std::size_t at = at_;
    for (std::uint64_t c = 0; c < count; ++c) {
      std::uint64_t nodes = 0;
      if (binary_) {
        if (text_.size() - at < width * 4) return false;
        for (int b = 0; b < 4; ++b) nodes = nodes << 8 | static_cast<unsigned char>(text_[at + b]);
        at += width * 4;
      } else {
        const std::string_view word = next_word(text_, at);
        std::from_chars(word.data(), word.data() + word.size(), nodes);
        if (!skip_words(text_, width - 1, at).ok()) return false;
      }
      if (nodes + 1 != width) return false;
    }
    return true;
  }

  Result<bool> field(std::uint64_t arrays) {
    for (std::uint64_t k = 0; k < arrays; ++k) {
      const auto words = words_of(next_filled_line());
      if (words.empty()) return false;
      if (words[0] == "METADATA") {
        skip_metadata();
        --k;
        continue;
      }
      if (words.size() < 4) return false;
      ETALON_ASSIGN(const bool known, take_tuples(words[0], Role::values, words[3],
                                                  number(words, 2), number(words, 1)));
      if (!known) return false;
    }
    return true;
  }

  void skip_metadata() {
    while (at_ < text_.size() && !words_of(next_line()).empty()) {
    }
  }

  Result<bool> scalars(const std::vector<std::string_view>& words) {
    const std::size_t here = at_;
    const auto table = words_of(next_filled_line());
    if (table.empty() || table[0] != "LOOKUP_TABLE") at_ = here;
    return take_tuples(words[1], Role::values, words[2], tuples_,
                       words.size() > 3 ? number(words, 3) : 1);
  }

  // False for what is not known.
  Result<bool> section(const std::vector<std::string_view>& words) {
    const std::string_view key = words[0];
    if (key == "METADATA") {
      skip_metadata();
      return true;
    }
    if (key == "DATASET" || key == "DIMENSIONS" || key == "ORIGIN" || key == "SPACING" ||
        key == "ASPECT_RATIO")
      return true;
    if (words.size() < 2) return false;
    if (key == "POINT_DATA" || key == "CELL_DATA") {
      tuples_ = number(words, 1);
      return true;
    }
    if (key == "CELL_TYPES") {
      ETALON_TRY(take("cell_types", Role::integers, DType::i32, {number(words, 1)}));
      return true;
    }
    if (words.size() < 3) return false;
    if (key == "POINTS") {
      points_ = number(words, 1);
      return take_tuples("points", Role::positions, words[2], points_, 3);
    }
    if (key.ends_with("_COORDINATES"))
      return take_tuples(key, Role::positions, words[2], number(words, 1), 1);
    for (const char* own : {"CELLS", "POLYGONS", "LINES", "VERTICES", "TRIANGLE_STRIPS"})
      if (key == own) return cells(words, own);
    if (key == "FIELD") return field(number(words, 2));
    if (key == "SCALARS") return scalars(words);
    if (key == "VECTORS" || key == "NORMALS")
      return take_tuples(words[1], Role::values, words[2], tuples_, 3);
    if (key == "TENSORS") return take_tuples(words[1], Role::values, words[2], tuples_, 9);
    if (key == "TEXTURE_COORDINATES" && words.size() > 3)
      return take_tuples(words[1], Role::values, words[3], tuples_, number(words, 2));
    return false;
  }

  ScanBuilder builder_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool binary_ = false;
  std::uint64_t points_ = 0, tuples_ = 0;
};

}  // namespace

Result<Scan> scan_vtk(ByteSpan file, const MustBeExact& exact) {
  return Scanner(file, exact).scan();
}

}  // namespace etalon
