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
  if (options.shape.rank() == 0)
    return Error{Errc::usage, path + ": raw bytes need a type and a shape (--dtype, --shape)"};
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

FileKind file_kind(std::string_view path) {
  const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
  if (ends(".h5") || ends(".hdf5") || ends(".nxs") || ends(".nx5") || ends(".cxi"))
    return FileKind::hdf5;
  if (ends(".npy")) return FileKind::npy;
  if (ends(".cbf") || ends(".cbf.bz2") || ends(".cbf.gz")) return FileKind::cbf;
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
  const FileKind kind = file_kind(path);
  const bool named = path.ends_with(".h5") || path.ends_with(".hdf5") || path.ends_with(".nxs");
  if (kind == FileKind::hdf5 && named) return write_hdf5(path, array, overwrite, options);
  ETALON_ASSIGN(OutputFile file, OutputFile::create(path, overwrite));
  if (path.ends_with(".npy")) ETALON_TRY(file.write(npy_header(array.dtype, array.shape)));
  ETALON_TRY(file.write(array.bytes()));
  return file.commit();
}

}  // namespace etalon
