#include "store/array_file.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

#include "store/cbf_series.hpp"
#include "store/file.hpp"
#include "store/hdf5_write.hpp"
#include "store/npy.hpp"
#include "store/nxmx_reader.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

Result<Array> read_hdf5(const std::string& path, const OpenOptions& options) {
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  ETALON_ASSIGN(const std::string name, find_images(file, options.dataset, true));
  ETALON_ASSIGN(const h5::Dataset dataset, file.dataset(name));
  return dataset.read_all();
}

Result<Array> read_raw(const std::string& path, const OpenOptions& options) {
  std::error_code unknown;
  if (path != "-" && !std::filesystem::exists(path, unknown) && !unknown)
    return Error{Errc::missing, path + ": no such file"};
  if (options.shape.rank() == 0) {
    if (const auto format = foreign_format(path); !format.empty())
      return Error{Errc::malformed, path + ": " + std::string(format) +
                                        " is not read; HDF5, .npy, CBF and raw bytes are"};
    return Error{Errc::usage, path + ": raw bytes need a type and a shape (--dtype, --shape)"};
  }
  ETALON_ASSIGN(const Bytes bytes, read_file(path));
  std::size_t size = 0;
  if (__builtin_mul_overflow(options.shape.count(), size_of(options.dtype), &size) ||
      size != bytes.size())
    return Error{Errc::malformed, path + ": " + std::to_string(bytes.size()) + " bytes are not " +
                                      to_string(options.shape) + " " +
                                      std::string(name_of(options.dtype))};
  Array array(options.dtype, options.shape);
  if (size > 0) std::memcpy(array.mutable_view().data, bytes.data(), size);
  return array;
}

Result<void> write_hdf5(const std::string& path, const ArrayView& array, bool overwrite,
                        const OpenOptions& options) {
  ETALON_ASSIGN(OutputFile output, OutputFile::create_regular(path, overwrite));
  ETALON_ASSIGN(h5::Id file, h5::create_file(output.temporary_path()));
  const std::string name = options.dataset.empty() ? "/data" : options.dataset;
  auto written = h5::write_array(file, name, array);
  auto closed = [&]() -> Result<void> {
    if (!written.ok()) return std::move(written).error().in(path);
    *written = h5::Id();
    return h5::close_file(std::move(file), path);
  }();
  ETALON_TRY(std::move(closed));
  return output.commit();
}

}  // namespace

std::string_view foreign_ending(std::string_view path) {
  struct Format {
    std::string_view ending, name;
  };
  for (const Format& f : {Format{".tif", "TIFF"},
                          {".tiff", "TIFF"},
                          {".cbor", "CBOR"},
                          {".nc", "netCDF"},
                          {".png", "PNG"},
                          {".jpg", "JPEG"},
                          {".edf", "EDF"},
                          {".img", "SMV"},
                          {".mccd", "MarCCD"},
                          {".npz", "zipped NumPy"},
                          {".zarr", "Zarr"},
                          {".zip", "ZIP"}})
    if (path.ends_with(f.ending)) return f.name;
  return {};
}

std::string_view foreign_format(const std::string& path) {
  struct Format {
    std::string_view start, name;
  };
  char bytes[4] = {};
  std::ifstream(path, std::ios::binary).read(bytes, sizeof bytes);
  const std::string_view start(bytes, sizeof bytes);
  for (const Format& f : {Format{{"II*\0", 4}, "TIFF"},
                          {{"MM\0*", 4}, "TIFF"},
                          {"CDF\x01", "netCDF classic"},
                          {"CDF\x02", "netCDF classic"},
                          {"\x89PNG", "PNG"},
                          {"\xD9\xD9\xF7", "CBOR"},
                          {"PK\x03\x04", "ZIP"},
                          {"\xFF\xD8\xFF", "JPEG"}})
    if (start.starts_with(f.start)) return f.name;
  return foreign_ending(path);
}

FileKind ending_kind(std::string_view path) {
  const auto ends = [&](auto... endings) { return (path.ends_with(endings) || ...); };
  if (ends(".h5", ".hdf5", ".nxs", ".nx5", ".cxi")) return FileKind::hdf5;
  if (ends(".npy")) return FileKind::npy;
  if (ends(".cbf", ".cbf.bz2", ".cbf.gz")) return FileKind::cbf;
  return FileKind::raw;
}

FileKind file_kind(std::string_view path) {
  if (const FileKind kind = ending_kind(path); kind != FileKind::raw) return kind;
  char start[8] = {};
  std::ifstream(std::string(path), std::ios::binary).read(start, sizeof start);
  if (std::memcmp(start, "\x89HDF\r\n\x1a\n", 8) == 0) return FileKind::hdf5;
  if (std::memcmp(start, "\x93NUMPY", 6) == 0) return FileKind::npy;
  if (std::memcmp(start, "###CBF", 6) == 0) return FileKind::cbf;
  return FileKind::raw;
}

Result<Array> read_array(const std::string& path, const OpenOptions& options) {
  switch (file_kind(path)) {
    case FileKind::hdf5:
      return read_hdf5(path, options);
    case FileKind::npy: {
      ETALON_ASSIGN(const Bytes bytes, read_file(path));
      auto array = parse_npy(bytes);
      if (!array.ok()) return std::move(array).error().in(path);
      return array;
    }
    case FileKind::cbf: {
      ETALON_ASSIGN(CbfImage cbf, read_cbf(path));
      return std::move(cbf.image);
    }
    case FileKind::raw:
      break;
  }
  return read_raw(path, options);
}

Result<void> write_array(const std::string& path, const ArrayView& array, bool overwrite,
                         const OpenOptions& options) {
  const FileKind kind = ending_kind(path);
  if (kind == FileKind::hdf5) return write_hdf5(path, array, overwrite, options);
  const std::string_view format = kind == FileKind::cbf ? "CBF" : foreign_ending(path);
  if (!format.empty())
    return Error{Errc::usage, path + ": " + std::string(format) +
                                  " is not written; .npy, .h5 and raw bytes (.raw) are"};
  if (!options.dataset.empty())
    return Error{Errc::usage,
                 path + ": is no HDF5 file: dataset " + options.dataset + " has no meaning"};
  ETALON_ASSIGN(OutputFile file, OutputFile::create(path, overwrite));
  if (kind == FileKind::npy) ETALON_TRY(file.write(npy_header(array.dtype, array.shape)));
  ETALON_TRY(file.write(array.bytes()));
  return file.commit();
}

}  // namespace etalon
