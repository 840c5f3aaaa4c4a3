// Names, single values and attributes of an HDF5 file: all optional, absent when they are not what
// was asked for.
#include <cstring>

#include "store/hdf5.hpp"
#include "store/hdf5_virtual.hpp"

namespace etalon::h5 {
namespace {

constexpr std::size_t max_text = 65536;
constexpr std::size_t max_entries = 10000;

// Both H5Dread and H5Aread, of an object that is either.
herr_t read_any(hid_t object, hid_t type, void* to) {
  return H5Iget_type(object) == H5I_ATTR ? H5Aread(object, type, to)
                                         : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
}

std::optional<std::string> read_text(hid_t object, hid_t type_id, hid_t space_id) {
  const Id type(type_id), space(space_id);
  if (!type.ok() || !space.ok() || H5Tget_class(type) != H5T_STRING) return std::nullopt;
  if (H5Sget_simple_extent_npoints(space) != 1) return std::nullopt;
  const Id memory(H5Tcopy(H5T_C_S1));
  H5Tset_cset(memory, H5Tget_cset(type));
  if (H5Tis_variable_str(type) > 0) {
    H5Tset_size(memory, H5T_VARIABLE);
    char* text = nullptr;
    if (read_any(object, memory, &text) < 0 || text == nullptr) return std::nullopt;
    std::string copy(text, strnlen(text, max_text));
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &text);
    return copy;
  }
  const std::size_t size = H5Tget_size(type);
  if (size == 0 || size > max_text) return std::nullopt;
  H5Tset_size(memory, size + 1);  // room for the terminator whatever the padding is
  std::string text(size + 1, '\0');
  if (read_any(object, memory, text.data()) < 0) return std::nullopt;
  text.resize(strnlen(text.c_str(), size));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

struct Visit {
  hid_t file;
  std::vector<Entry> entries;
};

herr_t visit_object(hid_t root, const char* name, const H5O_info_t* info, void* data) {
  auto& visit = *static_cast<Visit*>(data);
  if (info->type != H5O_TYPE_DATASET) return 0;
  const Id dataset(H5Dopen2(root, name, H5P_DEFAULT));
  const Id type(H5Dget_type(dataset)), space(H5Dget_space(dataset));
  if (!dataset.ok() || !type.ok() || !space.ok()) return 0;
  Entry entry;
  entry.path = std::string("/") + name;
  const std::optional<DType> dtype = dtype_of(type);
  entry.type = dtype ? std::string(name_of(*dtype)) : describe_type(type);
  const int rank = H5Sget_simple_extent_ndims(space);
  entry.numeric = dtype && rank >= 0 && rank <= static_cast<int>(Shape::max_rank);
  if (rank > 0 && rank <= static_cast<int>(Shape::max_rank)) {
    hsize_t extents[Shape::max_rank] = {};
    H5Sget_simple_extent_dims(space, extents, nullptr);
    std::size_t to[Shape::max_rank] = {};
    for (int i = 0; i < rank; ++i) to[i] = extents[i];
    entry.shape = Shape(std::span<const std::size_t>(to, static_cast<std::size_t>(rank)));
  }
  visit.entries.push_back(std::move(entry));
  return visit.entries.size() >= max_entries ? 1 : 0;
}

herr_t visit_link(hid_t, const char* name, const H5L_info_t*, void* data) {
  auto& names = *static_cast<std::vector<std::string>*>(data);
  names.emplace_back(name);
  return names.size() >= max_entries ? 1 : 0;
}

bool ieee(hid_t type, hid_t little, hid_t big) {
  return H5Tequal(type, little) > 0 || H5Tequal(type, big) > 0;
}

}  // namespace

std::vector<Entry> File::entries() const {
  const Lock lock;
  Visit visit{id_, {}};
  H5Ovisit2(id_, H5_INDEX_NAME, H5_ITER_INC, visit_object, &visit, H5O_INFO_BASIC);
  H5Eclear2(H5E_DEFAULT);
  return std::move(visit.entries);
}

std::vector<std::string> File::members(const std::string& group) const {
  const Lock lock;
  std::vector<std::string> names;
  const Id id(H5Gopen2(id_, group.c_str(), H5P_DEFAULT));
  if (id.ok()) H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit_link, &names);
  H5Eclear2(H5E_DEFAULT);
  return names;
}

bool File::exists(const std::string& name) const {
  const Lock lock;
  const Id object(H5Oopen(id_, name.c_str(), H5P_DEFAULT));
  H5Eclear2(H5E_DEFAULT);
  return object.ok();
}

std::optional<std::vector<double>> File::numbers(const std::string& name, std::size_t limit) const {
  const Lock lock;
  std::optional<std::vector<double>> values;
  const Id dataset(H5Dopen2(id_, name.c_str(), H5P_DEFAULT));
  if (dataset.ok() && check_virtual(dataset, name).ok()) {
    const Id type(H5Dget_type(dataset)), space(H5Dget_space(dataset));
    const hssize_t count = space.ok() ? H5Sget_simple_extent_npoints(space) : -1;
    if (type.ok() && dtype_of(type) && count > 0 && static_cast<std::size_t>(count) <= limit) {
      values.emplace(static_cast<std::size_t>(count));
      if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values->data()) < 0)
        values.reset();
    }
  }
  H5Eclear2(H5E_DEFAULT);
  return values;
}

std::optional<Number> File::number(const std::string& name) const {
  const Lock lock;
  const auto values = numbers(name, std::size_t{1} << 20);
  if (!values) return std::nullopt;
  return Number{values->front(), attribute(name, "units").value_or("")};
}

std::optional<std::string> File::text(const std::string& name) const {
  const Lock lock;
  std::optional<std::string> text;
  const Id dataset(H5Dopen2(id_, name.c_str(), H5P_DEFAULT));
  if (dataset.ok() && check_virtual(dataset, name).ok())
    text = read_text(dataset, H5Dget_type(dataset), H5Dget_space(dataset));
  H5Eclear2(H5E_DEFAULT);
  return text;
}

std::optional<std::string> File::attribute(const std::string& object,
                                           const std::string& name) const {
  const Lock lock;
  std::optional<std::string> text;
  const Id owner(H5Oopen(id_, object.c_str(), H5P_DEFAULT));
  if (owner.ok() && H5Aexists(owner, name.c_str()) > 0) {
    const Id attribute(H5Aopen(owner, name.c_str(), H5P_DEFAULT));
    if (attribute.ok())
      text = read_text(attribute, H5Aget_type(attribute), H5Aget_space(attribute));
  }
  H5Eclear2(H5E_DEFAULT);
  return text;
}

std::optional<std::vector<double>> File::attribute_numbers(const std::string& object,
                                                           const std::string& name) const {
  const Lock lock;
  std::optional<std::vector<double>> values;
  const Id owner(H5Oopen(id_, object.c_str(), H5P_DEFAULT));
  if (owner.ok() && H5Aexists(owner, name.c_str()) > 0) {
    const Id attribute(H5Aopen(owner, name.c_str(), H5P_DEFAULT));
    const Id type(attribute.ok() ? H5Aget_type(attribute) : -1);
    const Id space(attribute.ok() ? H5Aget_space(attribute) : -1);
    const hssize_t count = space.ok() ? H5Sget_simple_extent_npoints(space) : -1;
    if (type.ok() && dtype_of(type) && count > 0 && count <= 16) {
      values.emplace(static_cast<std::size_t>(count));
      if (H5Aread(attribute, H5T_NATIVE_DOUBLE, values->data()) < 0) values.reset();
    }
  }
  H5Eclear2(H5E_DEFAULT);
  return values;
}

hid_t native_type(DType type) {
  switch (type) {
    case DType::u8:
      return H5T_NATIVE_UINT8;
    case DType::u16:
      return H5T_NATIVE_UINT16;
    case DType::u32:
      return H5T_NATIVE_UINT32;
    case DType::u64:
      return H5T_NATIVE_UINT64;
    case DType::i8:
      return H5T_NATIVE_INT8;
    case DType::i16:
      return H5T_NATIVE_INT16;
    case DType::i32:
      return H5T_NATIVE_INT32;
    case DType::i64:
      return H5T_NATIVE_INT64;
    case DType::f32:
      return H5T_NATIVE_FLOAT;
    case DType::f64:
      break;
  }
  return H5T_NATIVE_DOUBLE;
}

std::optional<DType> dtype_of(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_ENUM) {  // h5py's booleans among them
    const Id base(H5Tget_super(type));
    return base.ok() ? dtype_of(base) : std::nullopt;
  }
  if (kind == H5T_FLOAT) {
    if (ieee(type, H5T_IEEE_F32LE, H5T_IEEE_F32BE)) return DType::f32;
    if (ieee(type, H5T_IEEE_F64LE, H5T_IEEE_F64BE)) return DType::f64;
    return std::nullopt;
  }
  if (kind != H5T_INTEGER) return std::nullopt;
  const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
  switch (H5Tget_size(type)) {
    case 1:
      return is_signed ? DType::i8 : DType::u8;
    case 2:
      return is_signed ? DType::i16 : DType::u16;
    case 4:
      return is_signed ? DType::i32 : DType::u32;
    case 8:
      return is_signed ? DType::i64 : DType::u64;
    default:
      return std::nullopt;
  }
}

std::string describe_type(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return "int" + std::to_string(8 * H5Tget_size(type));
    case H5T_FLOAT:
      return "float" + std::to_string(8 * H5Tget_size(type));
    case H5T_STRING:
      return "string";
    case H5T_COMPOUND:
      return "compound";
    case H5T_ENUM:
      return "enumeration";
    case H5T_VLEN:
      return "variable-length list";
    case H5T_ARRAY:
      return "array";
    case H5T_REFERENCE:
      return "reference";
    default:
      return "opaque";
  }
}

}  // namespace etalon::h5
