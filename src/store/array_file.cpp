#include "store/array_file.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

namespace etalon {

std::string_view foreign_ending(std::string_view path) {
  struct Format {
    std::string_view ending, name;
  };
  for (const Format& f : {Format{".cbor", "CBOR"},
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
  for (const Format& f : {Format{"CDF\x01", "netCDF classic"},
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
  if (ends(".tif", ".tiff")) return FileKind::tiff;
  return FileKind::raw;
}

FileKind file_kind(std::string_view path) {
  if (const FileKind kind = ending_kind(path); kind != FileKind::raw) return kind;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return FileKind::raw;  // not to eat a pipe
  char start[8] = {};
  std::ifstream(std::string(path), std::ios::binary).read(start, sizeof start);
  if (std::memcmp(start, "\x89HDF\r\n\x1a\n", 8) == 0) return FileKind::hdf5;
  if (std::memcmp(start, "\x93NUMPY", 6) == 0) return FileKind::npy;
  if (std::memcmp(start, "###CBF", 6) == 0) return FileKind::cbf;
  for (const char* tiff : {"II*\0", "MM\0*", "II+\0", "MM\0+"})  // the latter: BigTIFF
    if (std::memcmp(start, tiff, 4) == 0) return FileKind::tiff;
  return FileKind::raw;
}

}  // namespace etalon
