// netCDF classic, CDF-1, CDF-2 and CDF-5 (Unidata, "NetCDF Classic Format Specification"), and what
// Exodus II (Sandia, SAND92-2137) calls its variables.
#include <map>

#include "store/scan_builder.hpp"

namespace etalon {
namespace {

Error bad(const std::string& reason) { return {Errc::malformed, "netCDF header: " + reason}; }

class Header {  // big-endian
 public:
  Header(ByteSpan bytes, int version) : in_(bytes), version_(version) {}

  Result<std::uint64_t> number(std::size_t size) {
    ETALON_ASSIGN(const ByteSpan bytes, in_.take(size));
    std::uint64_t value = 0;
    for (std::byte b : bytes) value = value << 8 | static_cast<std::uint64_t>(b);
    return value;
  }
  Result<std::uint64_t> tag() { return number(4); }
  Result<std::uint64_t> count() { return number(version_ == 5 ? 8 : 4); }
  Result<std::uint64_t> offset() { return number(version_ == 1 ? 4 : 8); }
  Result<std::string> name() {
    ETALON_ASSIGN(const std::uint64_t size, count());
    if (size > in_.left()) return bad("a name passes the end");
    ETALON_ASSIGN(const ByteSpan text, in_.take(size));
    ETALON_TRY(pad(size));
    return std::string(text_of(text));
  }
  Result<void> skip(std::uint64_t size) {
    if (size > in_.left()) return bad("an attribute passes the end");
    ETALON_TRY(in_.take(size));
    return pad(size);
  }
  // How many entries a list has, each of at least four bytes.
  Result<std::uint64_t> list(std::uint64_t wanted) {
    ETALON_ASSIGN(const std::uint64_t own, tag());
    ETALON_ASSIGN(const std::uint64_t entries, count());
    if ((own != wanted && (own != 0 || entries != 0)) || entries > in_.left() / 4)
      return bad("damaged");
    return entries;
  }

 private:
  Result<void> pad(std::uint64_t size) {
    if (size % 4 == 0) return {};
    ETALON_TRY(in_.take(4 - size % 4));
    return {};
  }
  ByteReader in_;
  int version_;
};

struct Variable {
  std::string name;
  std::vector<std::uint64_t> dimensions;
  std::uint64_t type, begin;
};

std::size_t size_of_type(std::uint64_t type) {
  constexpr std::size_t sizes[] = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
  return type < std::size(sizes) ? sizes[type] : 0;
}

std::optional<DType> dtype_of(std::uint64_t type) {
  const std::map<std::uint64_t, DType> types = {
      {1, DType::i8}, {3, DType::i16}, {4, DType::i32}, {5, DType::f32},  {6, DType::f64},
      {7, DType::u8}, {8, DType::u16}, {9, DType::u32}, {10, DType::i64}, {11, DType::u64}};
  const auto found = types.find(type);
  if (found == types.end()) return std::nullopt;
  return found->second;
}

Result<void> skip_attributes(Header& header) {
  ETALON_ASSIGN(const std::uint64_t entries, header.list(12));
  for (std::uint64_t k = 0; k < entries; ++k) {
    ETALON_TRY(header.name());
    ETALON_ASSIGN(const std::uint64_t type, header.tag());
    ETALON_ASSIGN(const std::uint64_t values, header.count());
    if (size_of_type(type) == 0 || values > (std::uint64_t{1} << 40))
      return bad("damaged attribute");
    ETALON_TRY(header.skip(values * size_of_type(type)));
  }
  return {};
}

Role role_of(const std::string& name, DType dtype) {
  if (name.starts_with("coord")) return is_float(dtype) ? Role::positions : Role::integers;
  if (is_float(dtype)) return Role::values;
  return name.starts_with("connect") ? Role::connectivity : Role::integers;
}

// Where a variable lies: `records` pieces of `piece` elements, `stride` bytes apart.
struct Layout {
  Shape shape;
  std::uint64_t records = 1, piece = 0, stride = 0;
};

}  // namespace

Result<Scan> scan_netcdf(ByteSpan file, const MustBeExact& exact) {
  const int version = static_cast<int>(file[3]);
  Header header(file.subspan(4), version);
  ETALON_ASSIGN(std::uint64_t records, header.count());
  ETALON_ASSIGN(const std::uint64_t dimensions, header.list(10));
  std::vector<std::uint64_t> extents;
  std::uint64_t nodes = 0;
  for (std::uint64_t k = 0; k < dimensions; ++k) {
    ETALON_ASSIGN(const std::string name, header.name());
    ETALON_ASSIGN(const std::uint64_t extent, header.count());
    if (name == "num_nodes") nodes = extent;
    extents.push_back(extent);
  }
  ETALON_TRY(skip_attributes(header));
  ETALON_ASSIGN(const std::uint64_t count, header.list(11));
  std::vector<Variable> variables;
  for (std::uint64_t k = 0; k < count; ++k) {
    Variable v;
    ETALON_ASSIGN(v.name, header.name());
    ETALON_ASSIGN(const std::uint64_t rank, header.count());
    if (rank > 1024) return bad("variable '" + v.name + "' has " + std::to_string(rank) + " axes");
    for (std::uint64_t d = 0; d < rank; ++d) {
      ETALON_ASSIGN(const std::uint64_t id, header.count());
      if (id >= extents.size()) return bad("a dimension is not there");
      v.dimensions.push_back(id);
    }
    ETALON_TRY(skip_attributes(header));
    ETALON_ASSIGN(v.type, header.tag());
    if (size_of_type(v.type) == 0) return bad("type " + std::to_string(v.type));
    ETALON_TRY(header.count());  // vsize, which the shape says too
    ETALON_ASSIGN(v.begin, header.offset());
    variables.push_back(std::move(v));
  }

  // A record has a piece of each variable whose first axis is the one without an extent; pieces are
  // padded to four bytes unless there is one such variable only.
  const auto is_record = [&](const Variable& v) {
    return !v.dimensions.empty() && extents[v.dimensions[0]] == 0;
  };
  const auto piece_of = [&](const Variable& v) {
    std::uint64_t elements = 1;
    for (std::size_t d = is_record(v) ? 1 : 0; d < v.dimensions.size(); ++d)
      if (__builtin_mul_overflow(elements, extents[v.dimensions[d]], &elements) ||
          elements > file.size())
        return std::uint64_t{file.size()} + 1;
    return elements;
  };
  std::uint64_t stride = 0, of_records = 0;
  for (const Variable& v : variables) {
    if (!is_record(v)) continue;
    ++of_records;
    const std::uint64_t bytes = piece_of(v) * size_of_type(v.type);
    stride += bytes + (4 - bytes % 4) % 4;
  }
  for (const Variable& v : variables)
    if (is_record(v) && of_records == 1) stride = piece_of(v) * size_of_type(v.type);
  // Of a file that is still written, as many as there are.
  if (records > file.size()) records = 0;

  ScanBuilder builder(file, "netcdf", exact);
  for (const Variable& v : variables) {
    const auto dtype = dtype_of(v.type);
    const bool by_record = is_record(v);
    const std::uint64_t piece = piece_of(v), pieces = by_record ? records : 1;
    if (!dtype || v.dimensions.size() > Shape::max_rank || piece == 0 || pieces == 0) continue;
    const std::uint64_t bytes = piece * size_of(*dtype);
    if (v.begin > file.size() || bytes > file.size() - v.begin ||
        (pieces > 1 && (stride < bytes || pieces - 1 > (file.size() - v.begin - bytes) / stride)))
      return bad("variable '" + v.name + "' passes the end of the file");
    std::size_t shape[Shape::max_rank] = {};
    for (std::size_t d = 0; d < v.dimensions.size(); ++d) shape[d] = extents[v.dimensions[d]];
    if (by_record) shape[0] = records;
    ETALON_ASSIGN(const std::uint32_t array,
                  builder.add(v.name, role_of(v.name, *dtype), *dtype,
                              Shape(std::span<const std::size_t>(shape, v.dimensions.size()))));
    for (std::uint64_t r = 0; r < pieces; ++r)
      ETALON_TRY(builder.take_binary(array, r * piece, piece, v.begin + r * stride, true));
    const bool cells = v.name.starts_with("connect") && *dtype != DType::f64 &&
                       *dtype != DType::f32 && v.dimensions.size() == 2;
    if (cells && nodes > 0)
      builder.scan().topology.push_back({Topology::Form::table, array, array, 0, 0, 1});
  }
  if (!builder.scan().topology.empty()) builder.scan().nodes = nodes;
  return builder.finish();
}

}  // namespace etalon
