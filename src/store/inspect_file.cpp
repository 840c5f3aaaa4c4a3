#include "store/inspect_file.hpp"

#include <filesystem>

#include "base/bytes.hpp"
#include "codec/hdf5_filter.hpp"
#include "codec/region_totals.hpp"
#include "store/array_file.hpp"
#include "store/frame_parts.hpp"
#include "store/nxmx_reader.hpp"

namespace etalon {
namespace {

// Calls body(offset) for the first element of every chunk, row major.
template <typename F>
Result<void> for_each_chunk(const Shape& shape, const Shape& chunk, F&& body) {
  if (shape.count() == 0) return {};
  std::vector<std::size_t> at(shape.rank(), 0);
  while (true) {
    ETALON_TRY(body(std::span<const std::size_t>(at)));
    std::size_t axis = shape.rank();
    for (; axis-- > 0; at[axis] = 0)
      if ((at[axis] += chunk[axis]) < shape[axis]) break;
    if (axis == std::numeric_limits<std::size_t>::max()) return {};
  }
}

void add_one_region(StreamInfo& info) {
  info.regions = {{"default", Bound::lossless(), info.shape.count(), 0, info.bytes}};
}

Result<void> add_etalon_chunks(const h5::Dataset& images, StreamInfo& info) {
  return for_each_chunk(info.shape, info.chunk_shape,
                        [&](std::span<const std::size_t> at) -> Result<void> {
                          ETALON_ASSIGN(const Bytes chunk, images.read_chunk(at));
                          if (chunk.empty()) return {};  // never written
                          auto about = inspect_chunk(chunk);
                          if (!about.ok())
                            return std::move(about)
                                .error()
                                .in("chunk " + std::to_string(info.chunks))
                                .in(images.place());
                          info.format = about->format;
                          if (info.chunks++ == 0) info.bound = about->bound;
                          info.bytes += chunk.size();
                          codec::add_regions(info.regions, about->regions);
                          return {};
                        });
}

Result<StreamInfo> inspect_hdf5(const std::string& path, const std::string& wanted) {
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  ETALON_ASSIGN(const std::string name, find_images(file, wanted, true));
  ETALON_ASSIGN(const h5::Dataset images, one_dataset(file, name, !wanted.empty()));
  StreamInfo info;
  info.format = "HDF5 " + name;
  info.dtype = images.dtype();
  info.shape = images.shape();
  info.chunk_shape = images.chunk();
  info.raw_bytes = info.shape.count() * size_of(info.dtype);
  const bool chunked = images.chunk().rank() == info.shape.rank() && info.shape.rank() > 0;
  if (chunked && images.filters().size() == 1 && images.filters()[0].id == hdf5_filter_id) {
    ETALON_TRY(add_etalon_chunks(images, info));
    return info;
  }
  for (const h5::Filter& f : images.filters())
    info.format += ", " + (f.name.empty() ? "filter " + std::to_string(f.id) : f.name);
  info.bytes = images.stored_bytes();
  if (chunked) {
    info.chunks = 1;
    for (std::size_t i = 0; i < info.shape.rank(); ++i)
      info.chunks *= (info.shape[i] + info.chunk_shape[i] - 1) / info.chunk_shape[i];
  } else {
    info.chunks = 1;
    info.chunk_shape = info.shape;
  }
  add_one_region(info);
  return info;
}

}  // namespace

Result<StreamInfo> inspect_file(const std::string& path, const std::string& dataset) {
  const FileKind kind = file_kind(path);
  if (kind == FileKind::hdf5) return inspect_hdf5(path, dataset);
  if (kind == FileKind::raw)
    return Error{Errc::usage, path + ": raw bytes do not say what they hold"};
  OpenOptions options;
  options.dataset = dataset;
  ETALON_ASSIGN(const Array array, read_array(path, options));
  StreamInfo info;
  info.format = kind == FileKind::npy ? "npy" : kind == FileKind::cbf ? "CBF" : "TIFF";
  info.dtype = array.dtype();
  info.shape = info.chunk_shape = array.shape();
  info.raw_bytes = array.view().size_bytes();
  std::error_code failed;
  info.bytes = std::filesystem::file_size(path, failed);
  info.chunks = 1;
  add_one_region(info);
  return info;
}

}  // namespace etalon
