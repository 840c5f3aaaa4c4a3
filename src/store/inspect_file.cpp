#include "store/inspect_file.hpp"

#include <algorithm>
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

bool is_chunked(const h5::Dataset& images) {
  return images.chunk().rank() == images.shape().rank() && images.shape().rank() > 0;
}
bool has_etalon_chunks(const h5::Dataset& images) {
  return is_chunked(images) && images.filters().size() == 1 &&
         images.filters()[0].id == hdf5_filter_id;
}

// Of `rows` rows of the first axis, from a chunk's first one on.
Result<void> add_etalon_chunks(const h5::Dataset& images, std::size_t first, std::size_t rows,
                               StreamInfo& info) {
  std::vector<std::size_t> extents(images.shape().extents().begin(),
                                   images.shape().extents().end());
  extents[0] = rows;
  std::vector<std::size_t> place;
  return for_each_chunk(Shape(extents), images.chunk(),
                        [&](std::span<const std::size_t> at) -> Result<void> {
                          place.assign(at.begin(), at.end());
                          place[0] += first;
                          ETALON_ASSIGN(const Bytes chunk, images.read_chunk(place));
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

// With other filters: what is stored is what was measured.
void add_other(const h5::Dataset& images, StreamInfo& info) {
  for (const h5::Filter& f : images.filters())
    info.format += ", " + (f.name.empty() ? "filter " + std::to_string(f.id) : f.name);
  const Shape &shape = images.shape(), &chunk = images.chunk();
  std::uint64_t chunks = 1;
  if (is_chunked(images))
    for (std::size_t i = 0; i < shape.rank(); ++i) chunks *= (shape[i] + chunk[i] - 1) / chunk[i];
  info.chunks += chunks;
  info.bytes += images.stored_bytes();
}

// A virtual dataset, whose images are in other files.
Result<void> add_parts(const std::vector<FramePart>& parts, StreamInfo& info) {
  const bool etalon = std::ranges::all_of(parts, [](const FramePart& part) {
    return has_etalon_chunks(part.images) && part.row % part.images.chunk()[0] == 0;
  });
  if (!etalon && std::ranges::any_of(
                     parts, [](const FramePart& part) { return has_etalon_chunks(part.images); }))
    return Error{Errc::usage, parts[0].images.place() +
                                  ": what its parts were reduced to cannot be put together; "
                                  "look at them one by one"};
  info.chunk_shape = is_chunked(parts[0].images) ? parts[0].images.chunk() : info.shape;
  for (const FramePart& part : parts) {
    if (etalon) {
      ETALON_TRY(add_etalon_chunks(part.images, part.row, part.frames, info));
      continue;
    }
    StreamInfo of_all;  // a part may show fewer frames than there are in its file
    add_other(part.images, of_all);
    const double share = static_cast<double>(part.frames) /
                         static_cast<double>(std::max<std::size_t>(part.images.shape()[0], 1));
    info.bytes += static_cast<std::uint64_t>(share * static_cast<double>(of_all.bytes));
    info.chunks += static_cast<std::uint64_t>(share * static_cast<double>(of_all.chunks));
    if (&part == parts.data()) info.format += of_all.format;
  }
  if (!etalon) add_one_region(info);
  return {};
}

Result<StreamInfo> inspect_hdf5(const std::string& path, const std::string& wanted) {
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  ETALON_ASSIGN(const std::string name, find_images(file, wanted, true));
  ETALON_ASSIGN(const h5::Dataset images, one_dataset(file, name, !wanted.empty()));
  StreamInfo info;
  info.format = "HDF5 " + name;
  info.dtype = images.dtype();
  info.shape = images.shape();
  info.chunk_shape = is_chunked(images) ? images.chunk() : info.shape;
  info.raw_bytes = info.shape.count() * size_of(info.dtype);
  ETALON_ASSIGN(const std::vector<FramePart> parts, parts_of(file, images));
  if (!parts.empty()) {
    ETALON_TRY(add_parts(parts, info));
  } else if (has_etalon_chunks(images)) {
    ETALON_TRY(add_etalon_chunks(images, 0, info.shape[0], info));
  } else {
    add_other(images, info);
    add_one_region(info);
  }
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
