#include "store/hdf5.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "codec/hdf5_filter.hpp"
#include "store/hdf5_virtual.hpp"

namespace etalon::h5 {
namespace {

std::recursive_mutex& mutex() {
  static std::recursive_mutex instance;
  return instance;
}

herr_t keep_first(unsigned, const H5E_error2_t* entry, void* data) {
  auto& text = *static_cast<std::string*>(data);
  if (text.empty() && entry->desc != nullptr) text = entry->desc;
  return 0;
}

// Encoding and decoding call no HDF5; what goes wrong there becomes the first entry of HDF5's
// stack.
std::size_t run_filter(unsigned flags, std::size_t count, const unsigned* values, std::size_t bytes,
                       std::size_t* size, void** buffer) {
  std::string why;
  const std::size_t done = run_hdf5_filter(flags, count, values, bytes, size, buffer, &why);
  if (done == 0)
    H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_PLINE, H5E_CANTFILTER,
             "%s", why.c_str());
  return done;
}

// HDF5 reports a failing system call in one long line, of which this is the part for people.
std::string shorten(std::string text) {
  constexpr std::string_view key = "error message = '";
  const std::size_t at = text.find(key);
  if (at == std::string::npos) return text;
  text.erase(0, at + key.size());
  return text.substr(0, text.find('\''));
}

}  // namespace

Lock::Lock() : lock_(mutex()) {
  static const bool once = [] {
    // A file whose last write failed (disk full) stays half open in the library, which then crashes
    // when it closes everything at exit. Files of ours are closed by then.
    H5dont_atexit();
    H5open();
    static const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, hdf5_filter_id, 1,       1,
                                        hdf5_filter_name, nullptr,        nullptr, run_filter};
    H5Zregister(&filter);
    follow_links_to_files_only();
    return true;
  }();
  // HDF5 keeps this per thread.
  thread_local const bool quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(once);
  static_cast<void>(quiet);
}

void Id::reset() {
  if (id_ < 0) return;
  const Lock lock;
  H5Idec_ref(std::exchange(id_, -1));
}

Error failure(Errc code, std::string_view place) {
  const Lock lock;
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  H5Eclear2(H5E_DEFAULT);
  return {code,
          std::string(place) + ": " + (text.empty() ? "HDF5 gives no reason" : shorten(text))};
}

std::string list_of(const std::vector<Entry>& entries) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(entries.size(), most); ++i)
    text += (i ? ", " : "") + entries[i].path + " (" + to_string(entries[i].shape) + " " +
            entries[i].type + ")";
  if (entries.size() > most) text += " and " + std::to_string(entries.size() - most) + " more";
  return text.empty() ? "none" : text;
}

Result<File> File::open(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return Error{errno == ENOENT || errno == ENOTDIR ? Errc::missing : Errc::io,
                 path + ": cannot open: " + std::strerror(errno)};
  if (!S_ISREG(status.st_mode))  // a pipe would be waited for
    return Error{Errc::malformed, path + ": is no file, and so no HDF5 file"};
  if (::access(path.c_str(), R_OK) != 0)
    return Error{Errc::io, path + ": cannot open: " + std::strerror(errno)};
  const Lock lock;
  if (H5Fis_hdf5(path.c_str()) <= 0) {
    H5Eclear2(H5E_DEFAULT);
    return Error{Errc::malformed, path + ": not an HDF5 file"};
  }
  const Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fclose_degree(access, H5F_CLOSE_SEMI);
  File file;
  file.path_ = path;
  file.id_ = Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access));
  if (!file.id_.ok()) {
    H5Eclear2(H5E_DEFAULT);
    file.is_growing_ = true;
    file.id_ = Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access));
  }
  if (!file.id_.ok()) return failure(Errc::malformed, path + ": cannot open as HDF5");
  return file;
}

Result<Dataset> File::dataset(const std::string& name) const {
  const Lock lock;
  Dataset d;
  d.place_ = path_ + ": " + name;
  d.id_ = Id(H5Dopen2(id_, name.c_str(), H5P_DEFAULT));
  if (!d.id_.ok()) {
    Error why = failure(Errc::missing, d.place_ + ": no such dataset");
    why.message += "; this file has " + list_of(entries());
    return why;
  }
  const Id type(H5Dget_type(d.id_)), space(H5Dget_space(d.id_)), plist(H5Dget_create_plist(d.id_));
  if (!type.ok() || !space.ok() || !plist.ok()) return failure(Errc::malformed, d.place_);
  const std::optional<DType> dtype = dtype_of(type);
  if (!dtype)
    return Error{Errc::malformed, d.place_ + ": elements of type " + describe_type(type) +
                                      " are not supported (integers of 8 to 64 bits, float32 and "
                                      "float64 are)"};
  d.dtype_ = *dtype;
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || H5Sget_simple_extent_type(space) == H5S_NULL)
    return Error{Errc::malformed, d.place_ + ": holds no elements"};
  if (static_cast<std::size_t>(rank) > Shape::max_rank)
    return Error{Errc::malformed,
                 d.place_ + ": " + std::to_string(rank) + " axes; at most 6 are supported"};
  hsize_t extents[Shape::max_rank] = {};
  H5Sget_simple_extent_dims(space, extents, nullptr);
  const auto to_shape = [&](const hsize_t* from) {
    std::size_t to[Shape::max_rank] = {};
    for (int i = 0; i < rank; ++i) to[i] = from[i];
    return Shape(std::span<const std::size_t>(to, static_cast<std::size_t>(rank)));
  };
  d.shape_ = to_shape(extents);
  // Products of these extents, in bytes too, are taken everywhere.
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 32;
  std::size_t elements = 1;
  for (const std::size_t extent : d.shape_.extents())
    if (extent != 0 && elements > most / extent)
      return Error{Errc::malformed, d.place_ + ": " + to_string(d.shape_) + ": too many elements"};
    else
      elements *= std::max<std::size_t>(extent, 1);
  const H5D_layout_t layout = H5Pget_layout(plist);
  d.virtual_ = layout == H5D_VIRTUAL;
  if (d.virtual_) ETALON_TRY(check_virtual(d.id_, d.place_));
  if (layout == H5D_CHUNKED && H5Pget_chunk(plist, rank, extents) == rank)
    d.chunk_ = to_shape(extents);
  const int filters = H5Pget_nfilters(plist);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0, values[64] = {};
    std::size_t n = 64;
    char text[128] = {};
    const H5Z_filter_t id = H5Pget_filter2(plist, static_cast<unsigned>(i), &flags, &n, values,
                                           sizeof text, text, &config);
    if (id < 0) return failure(Errc::malformed, d.place_ + ": filter pipeline");
    d.filters_.push_back({id, text, {values, values + std::min<std::size_t>(n, 64)}});
  }
  H5Eclear2(H5E_DEFAULT);
  return d;
}

Result<void> Dataset::check_size(std::size_t bytes) const {
  const Lock lock;
  const auto memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE));
  if (bytes > memory)
    return Error{Errc::malformed, place_ + ": " + std::to_string(bytes) +
                                      " bytes do not fit the memory of this machine"};
  const std::size_t plausible = std::size_t{256} << 20;
  if (!virtual_ && bytes > plausible && bytes / 100000 > H5Dget_storage_size(id_))
    return Error{Errc::malformed, place_ + ": says it has " + std::to_string(bytes) +
                                      " bytes and stores " +
                                      std::to_string(H5Dget_storage_size(id_))};
  return {};
}

std::uint64_t Dataset::stored_bytes() const {
  const Lock lock;
  return H5Dget_storage_size(id_);
}

Result<void> Dataset::read(std::span<const std::size_t> start, std::span<const std::size_t> count,
                           const MutableArrayView& out) const {
  const Lock lock;
  hsize_t from[Shape::max_rank] = {}, extent[Shape::max_rank] = {};
  const auto rank = static_cast<int>(shape_.rank());
  bool empty = false;
  for (std::size_t i = 0; i < shape_.rank(); ++i) {
    from[i] = start[i];
    extent[i] = count[i];
    empty |= extent[i] == 0;
  }
  if (empty) return {};
  // Of the file's rank: between spaces of different rank HDF5 copies element by element.
  const Id file_space(H5Dget_space(id_)),
      memory_space(rank > 0 ? H5Screate_simple(rank, extent, nullptr) : H5Screate(H5S_SCALAR));
  if (!file_space.ok() || !memory_space.ok()) return failure(Errc::malformed, place_);
  if (shape_.rank() > 0 &&
      H5Sselect_hyperslab(file_space, H5S_SELECT_SET, from, nullptr, extent, nullptr) < 0)
    return failure(Errc::malformed, place_);
  if (H5Dread(id_, native_type(dtype_), memory_space, file_space, H5P_DEFAULT, out.data) < 0) {
    Error why = failure(Errc::malformed, place_ + ": cannot read");
    for (const Filter& f : filters_)
      if (H5Zfilter_avail(f.id) <= 0)
        why.message += "; filter " + std::to_string(f.id) +
                       (f.name.empty() ? "" : " (" + f.name + ")") +
                       " is not installed (HDF5_PLUGIN_PATH)";
    return why;
  }
  return {};
}

Result<Array> Dataset::read_all() const {
  const std::size_t count = shape_.count();
  if (count > std::numeric_limits<std::size_t>::max() / 16)
    return Error{Errc::malformed, place_ + ": too many elements"};
  ETALON_TRY(check_size(count * size_of(dtype_)));
  Array array(dtype_, shape_);
  const std::size_t zeros[Shape::max_rank] = {};
  ETALON_TRY(read(std::span(zeros, shape_.rank()), shape_.extents(), array.mutable_view()));
  return array;
}

Result<std::vector<std::byte>> Dataset::read_chunk(std::span<const std::size_t> offset) const {
  const Lock lock;
  hsize_t at[Shape::max_rank] = {}, size = 0;
  for (std::size_t i = 0; i < shape_.rank(); ++i) at[i] = offset[i];
  if (H5Dget_chunk_storage_size(id_, at, &size) < 0) {
    H5Eclear2(H5E_DEFAULT);
    return std::vector<std::byte>{};  // not written
  }
  ETALON_TRY(check_size(size));
  std::vector<std::byte> bytes(size);
  std::uint32_t mask = 0;
  if (size == 0) return bytes;
  if (H5Dread_chunk(id_, H5P_DEFAULT, at, &mask, bytes.data()) < 0)
    return failure(Errc::malformed, place_ + ": cannot read a chunk");
  if (mask != 0) bytes.clear();
  return bytes;
}

}  // namespace etalon::h5
