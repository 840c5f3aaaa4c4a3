#include "store/hdf5_write.hpp"

#include <algorithm>

namespace etalon::h5 {
namespace {

// The same calls give the same bytes, so no object says when it was made.
Id timeless(hid_t kind) {
  Id plist(H5Pcreate(kind));
  H5Pset_obj_track_times(plist, false);
  return plist;
}

Result<Id> create_dataset(hid_t file, const std::string& name, hid_t type, hid_t space,
                          const Id& plist) {
  ETALON_TRY(make_parents(file, name));
  H5Pset_obj_track_times(plist, false);
  Id dataset(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, plist, H5P_DEFAULT));
  if (!dataset.ok()) return failure(Errc::io, name + ": cannot create");
  return dataset;
}

Result<Id> write_dataset(hid_t file, const std::string& name, hid_t type, hid_t space,
                         const void* data, std::string_view units,
                         const Id& plist = Id(H5Pcreate(H5P_DATASET_CREATE))) {
  ETALON_ASSIGN(Id dataset, create_dataset(file, name, type, space, plist));
  if (H5Sget_simple_extent_npoints(space) > 0 &&
      H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    return failure(Errc::io, name + ": cannot write");
  if (!units.empty()) ETALON_TRY(set_attribute(dataset, "units", units));
  return dataset;
}

Id space_of(const Shape& shape) {
  if (shape.rank() == 0) return Id(H5Screate(H5S_SCALAR));
  hsize_t extents[Shape::max_rank] = {};
  std::copy(shape.extents().begin(), shape.extents().end(), extents);
  return Id(H5Screate_simple(static_cast<int>(shape.rank()), extents, nullptr));
}

// What has locked the file is its OutputFile.
Id access_to_write(Readers readers) {
  Id access(H5Pcreate(H5P_FILE_ACCESS));
  const bool live = readers == Readers::while_written;
  H5Pset_libver_bounds(access, live ? H5F_LIBVER_V110 : H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
  H5Pset_file_locking(access, false, true);
  return access;
}

Id text_type(std::string_view text) {
  Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type, text.empty() ? 1 : text.size());
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

}  // namespace

Result<Id> create_file(const std::string& path, Readers readers) {
  const Lock lock;
  const Id access = access_to_write(readers), plist = timeless(H5P_FILE_CREATE);
  Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, plist, access));
  if (!file.ok()) return failure(Errc::io, path + ": cannot create");
  return file;
}

Result<void> make_parents(hid_t file, const std::string& name) {
  const Lock lock;
  const Id plist = timeless(H5P_GROUP_CREATE);
  for (std::size_t end = name.find('/', 1); end < name.size(); end = name.find('/', end + 1)) {
    const std::string parent = name.substr(0, end);
    if (H5Lexists(file, parent.c_str(), H5P_DEFAULT) > 0) continue;
    const Id group(H5Gcreate2(file, parent.c_str(), H5P_DEFAULT, plist, H5P_DEFAULT));
    if (!group.ok()) return failure(Errc::io, parent + ": cannot create");
  }
  return {};
}

Result<void> let_readers_in(hid_t file, const std::string& path) {
  const Lock lock;
  if (H5Fstart_swmr_write(file) < 0) return failure(Errc::io, path + ": cannot let readers in");
  return {};
}

Result<void> show(hid_t dataset) {
  const Lock lock;
  if (H5Dflush(dataset) < 0) return failure(Errc::io, "dataset: cannot flush");
  return {};
}

Result<Id> make_text(hid_t file, const std::string& name, std::size_t size) {
  const Lock lock;
  const Id space(H5Screate(H5S_SCALAR)), type = text_type(std::string(size, ' '));
  const std::string nothing(size, '\0');
  return write_dataset(file, name, type, space, nothing.data(), {});
}

Result<void> set_text(hid_t dataset, std::string text) {
  const Lock lock;
  const Id type(H5Dget_type(dataset));
  text.resize(H5Tget_size(type));
  if (H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()) < 0)
    return failure(Errc::io, "dataset: cannot write");
  return {};
}

Result<void> close_file(Id file, const std::string& path) {
  const Lock lock;
  if (H5Fflush(file, H5F_SCOPE_LOCAL) < 0) return failure(Errc::io, path + ": cannot write");
  if (H5Fclose(file.release()) < 0) return failure(Errc::io, path + ": cannot close");
  return {};
}

Result<Id> write_array(hid_t file, const std::string& name, const ArrayView& array,
                       std::string_view units) {
  const Lock lock;
  const Id space = space_of(array.shape);
  return write_dataset(file, name, native_type(array.dtype), space, array.data, units);
}

Result<Id> make_dataset(hid_t file, const std::string& name, DType dtype, const Shape& shape) {
  const Lock lock;
  const Id space = space_of(shape), plist(H5Pcreate(H5P_DATASET_CREATE));
  // Every element is written.
  H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
  return create_dataset(file, name, native_type(dtype), space, plist);
}

Result<void> write_box(hid_t dataset, const ArrayView& box, const Shape& origin) {
  if (box.count() == 0) return {};
  const Lock lock;
  const Id space(H5Dget_space(dataset)), memory = space_of(box.shape);
  hsize_t from[Shape::max_rank] = {}, extent[Shape::max_rank] = {};
  std::copy(origin.extents().begin(), origin.extents().end(), from);
  std::copy(box.shape.extents().begin(), box.shape.extents().end(), extent);
  if (box.shape.rank() != 0 &&
      H5Sselect_hyperslab(space, H5S_SELECT_SET, from, nullptr, extent, nullptr) < 0)
    return failure(Errc::io, "dataset");
  if (H5Dwrite(dataset, native_type(box.dtype), memory, space, H5P_DEFAULT, box.data) < 0)
    return failure(Errc::io, "dataset: cannot write");
  return {};
}

Result<Id> write_packed(hid_t file, const std::string& name, const ArrayView& array) {
  if (array.shape.rank() == 0 || array.count() == 0) return write_array(file, name, array);
  const Lock lock;
  hsize_t extents[Shape::max_rank] = {};
  std::copy(array.shape.extents().begin(), array.shape.extents().end(), extents);
  const Id space = space_of(array.shape);
  const Id plist(H5Pcreate(H5P_DATASET_CREATE));
  if (H5Pset_chunk(plist, static_cast<int>(array.shape.rank()), extents) < 0 ||
      H5Pset_shuffle(plist) < 0 || H5Pset_deflate(plist, 4) < 0)
    return failure(Errc::io, name + ": cannot create");
  return write_dataset(file, name, native_type(array.dtype), space, array.data, {}, plist);
}

Result<Id> write_number(hid_t file, const std::string& name, double value, std::string_view units) {
  const Lock lock;
  const Id space(H5Screate(H5S_SCALAR));
  return write_dataset(file, name, H5T_NATIVE_DOUBLE, space, &value, units);
}

Result<Id> write_integer(hid_t file, const std::string& name, std::int64_t value) {
  const Lock lock;
  const Id space(H5Screate(H5S_SCALAR));
  return write_dataset(file, name, H5T_NATIVE_INT64, space, &value, {});
}

Result<Id> write_text(hid_t file, const std::string& name, std::string_view text) {
  const Lock lock;
  const Id space(H5Screate(H5S_SCALAR)), type = text_type(text);
  const std::string copy = text.empty() ? std::string(1, '\0') : std::string(text);
  return write_dataset(file, name, type, space, copy.data(), {});
}

Result<Id> make_group(hid_t file, const std::string& name, std::string_view nx_class) {
  const Lock lock;
  ETALON_TRY(make_parents(file, name));
  const Id plist = timeless(H5P_GROUP_CREATE);
  Id group(H5Gcreate2(file, name.c_str(), H5P_DEFAULT, plist, H5P_DEFAULT));
  if (!group.ok()) return failure(Errc::io, name + ": cannot create");
  ETALON_TRY(set_attribute(group, "NX_class", nx_class));
  return group;
}

Result<void> link(hid_t file, const std::string& target, const std::string& name) {
  const Lock lock;
  ETALON_TRY(make_parents(file, name));
  if (H5Lcreate_soft(target.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT) < 0)
    return failure(Errc::io, name + ": cannot link");
  return {};
}

Result<void> set_attribute(hid_t object, const char* name, std::string_view text) {
  const Lock lock;
  const Id space(H5Screate(H5S_SCALAR)), type = text_type(text);
  const std::string copy = text.empty() ? std::string(1, '\0') : std::string(text);
  const Id attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.ok() || H5Awrite(attribute, type, copy.data()) < 0)
    return failure(Errc::io, std::string("attribute ") + name);
  return {};
}

Result<void> set_attribute(hid_t object, const char* name, std::span<const double> values) {
  const Lock lock;
  const hsize_t count = values.size();
  const Id space(H5Screate_simple(1, &count, nullptr));
  const Id attribute(H5Acreate2(object, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.ok() || H5Awrite(attribute, H5T_NATIVE_DOUBLE, values.data()) < 0)
    return failure(Errc::io, std::string("attribute ") + name);
  return {};
}

}  // namespace etalon::h5
