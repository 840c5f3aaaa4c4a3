#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>

#include "base/thread_pool.hpp"
#include "codec/boxes.hpp"
#include "codec/chunk_format.hpp"
#include "codec/container_format.hpp"
#include "codec/default_chunk.hpp"
#include "codec/dither.hpp"
#include "codec/region_totals.hpp"

namespace etalon {
namespace {

using namespace codec;

// Where the threads' first error in the order of the chunks is kept.
class FirstError {
 public:
  void report(std::size_t i, Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_ || i < index_) {
      index_ = i;
      error_ = std::move(error);
    }
  }
  bool any() {
    const std::lock_guard lock(mutex_);
    return error_.has_value();
  }
  Result<void> result() && {
    if (error_) return std::move(*error_);
    return {};
  }

 private:
  std::mutex mutex_;
  std::size_t index_ = 0;
  std::optional<Error> error_;
};

// body(i) for all i on `threads` threads; the first error in order.
template <typename F>
Result<void> for_chunks(std::size_t count, unsigned threads, F&& body) {
  FirstError first;
  const auto step = [&](std::size_t i) {
    if (first.any()) return;
    try {
      if (Result<void> done = body(i); !done.ok())
        first.report(i, std::move(done).error().in("chunk " + std::to_string(i)));
    } catch (const std::exception& e) {
      first.report(i, {Errc::io, "chunk " + std::to_string(i) + ": " + e.what()});
    }
  };
  if (threads <= 1 || count <= 1) {
    for (std::size_t i = 0; i < count; ++i) step(i);
  } else {
    ThreadPool pool(std::min<std::size_t>(threads, count) - 1);
    pool.for_each(count, step);
  }
  return std::move(first).result();
}

ByteSpan chunk_bytes(ByteSpan container, const ContainerIndex& index, std::size_t i) {
  return container.subspan(index.chunks[i].offset, index.chunks[i].size);
}

// The chunk's head, which must be what the index says.
Result<ChunkParts> parse_indexed(ByteSpan chunk, const ContainerIndex& index, std::size_t i) {
  ETALON_ASSIGN(auto parts, parse_chunk(chunk));
  if (parts.head.dtype != index.dtype || parts.head.source != index.source ||
      !(parts.head.shape == chunk_box(index, i).extent))
    return Error{Errc::malformed, "its type or shape is not what the container declares"};
  return parts;
}

Result<void> check_heads(ByteSpan container, const ContainerIndex& index) {
  for (std::size_t i = 0; i < index.chunks.size(); ++i)
    if (const auto parts = parse_indexed(chunk_bytes(container, index, i), index, i); !parts.ok())
      return Error(parts.error()).in("chunk " + std::to_string(i));
  return {};
}

// Heads of all chunks say that they may hold what the index declares; only then memory is taken.
Result<Array> allocate(ByteSpan container, const ContainerIndex& index, const Shape& shape) {
  if (index.shape.count() == std::numeric_limits<std::size_t>::max() ||
      index.shape.count() > std::numeric_limits<std::size_t>::max() / 16)
    return Error{Errc::malformed, "container: declares too many elements"};
  ETALON_TRY(check_heads(container, index));
  return Array(index.dtype, shape);
}

// Whether a box of `extent` that begins with rows of the array is one piece of its memory.
bool is_contiguous(const Shape& shape, const Shape& extent) {
  std::size_t axis = 0;
  while (axis < shape.rank() && extent[axis] == 1) ++axis;
  for (++axis; axis < shape.rank(); ++axis)
    if (extent[axis] != shape[axis]) return false;
  return true;
}

Shape chunk_of(const ArrayView& array, const CompressOptions& options) {
  const std::size_t rank = array.shape.rank();
  if (rank < 3 || array.count() == 0) return default_chunk(array.dtype, array.shape);
  const std::size_t ny = array.shape[rank - 2], nx = array.shape[rank - 1];
  const std::size_t images =
      std::min(images_looked_at(array.dtype, ny * nx), array.count() / (ny * nx));
  return default_chunk({array.data, array.dtype, {images, ny, nx}}, array.shape, options);
}

Shape last_axes(const Shape& shape, std::size_t axes) {
  return Shape(shape.extents().last(std::min(axes, shape.rank())));
}

// A map over the last two axes or over all, as it is in a box.
std::vector<std::uint8_t> cut_map(const std::vector<std::uint8_t>& map, const Shape& shape,
                                  const ChunkBox& box) {
  const std::size_t axes = map.size() == shape.count() ? shape.rank() : 2;
  const Shape whole = last_axes(shape, axes), extent = last_axes(box.extent, axes);
  std::vector<std::uint8_t> own(extent.count());
  copy_box(reinterpret_cast<const std::byte*>(map.data()), whole, last_axes(box.origin, axes),
           reinterpret_cast<std::byte*>(own.data()), extent, zeros(whole.rank()), extent, 1);
  return own;
}

// Regions and mask of a box of the array.
Result<void> localize(const CompressOptions& options, const Shape& shape, const ChunkBox& box,
                      CompressOptions& own) {
  const std::size_t rank = shape.rank();
  if (rank < 2) {
    if (box.extent == shape || (options.regions.empty() && options.mask.empty())) {
      own.regions = options.regions;
      own.mask = options.mask;
      return {};
    }
    return Error{Errc::usage, "compress: regions and masks need two axes, or one chunk"};
  }
  const std::size_t ny = shape[rank - 2], nx = shape[rank - 1];
  const bool cut = box.extent[rank - 2] != ny || box.extent[rank - 1] != nx;
  const auto fits = [&](const std::vector<std::uint8_t>& map) {
    return map.size() == ny * nx || map.size() == shape.count();
  };
  own.regions.clear();
  for (const Region& r : options.regions) {
    const bool whole = r.where.size() == shape.count() && r.where.size() != ny * nx;
    if (!(cut || whole) || !fits(r.where.empty() ? r.members(ny, nx) : r.where)) {
      own.regions.push_back(r);
      continue;
    }
    own.regions.push_back(
        {r.kind, r.bound, cut_map(r.centres.empty() ? r.where : r.members(ny, nx), shape, box)});
  }
  own.mask = cut && fits(options.mask) ? cut_map(options.mask, shape, box) : options.mask;
  return {};
}

// A box's first element, in the array's order.
std::size_t first_of(const Shape& shape, const ChunkBox& box) {
  std::size_t at = 0;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) at = at * shape[axis] + box.origin[axis];
  return at;
}

Result<void> decode_chunks(ByteSpan container, const ContainerIndex& index,
                           const MutableArrayView& out, unsigned threads) {
  const std::size_t size = size_of(index.dtype), rank = index.shape.rank();
  return for_chunks(index.chunks.size(), threads, [&](std::size_t i) -> Result<void> {
    const ChunkBox box = chunk_box(index, i);
    const ByteSpan chunk = chunk_bytes(container, index, i);
    if (is_contiguous(index.shape, box.extent))
      return decode_chunk_into(
          chunk, {out.data + first_of(index.shape, box) * size, index.dtype, box.extent});
    ETALON_ASSIGN(const Array piece, decode_chunk(chunk));
    copy_box(piece.view().data, box.extent, zeros(rank), out.data, index.shape, box.origin,
             box.extent, size);
    return {};
  });
}

}  // namespace

Shape default_chunk(DType dtype, const Shape& shape) {
  constexpr std::size_t most = std::size_t{1} << 22, few = std::size_t{1} << 16;
  const std::size_t rank = shape.rank();
  if (rank < 3) return shape;
  Shape chunk = shape;
  const bool small = shape[rank - 2] * shape[rank - 1] < 4096;
  // For more of what there is so far.
  std::size_t room = is_float(dtype) ? most : small ? few : 0;
  for (std::size_t axis = rank; axis-- > 0;) {
    const std::size_t extent = std::max<std::size_t>(1, shape[axis]);
    if (axis + 2 >= rank || (axis != 0 && extent <= room)) {
      room /= extent;
    } else if (axis == 0) {
      chunk[axis] = std::clamp<std::size_t>(room, 1, extent);
    } else {
      chunk[axis] = 1;
      room = 0;
    }
  }
  return chunk;
}

Result<std::vector<std::byte>> compress(const ArrayView& array, const CompressOptions& given) {
  try {
    const CompressOptions options = with_ranges(given, array);
    const Shape chunk_shape = options.chunk.rank() == 0 ? chunk_of(array, options) : options.chunk;
    if (chunk_shape.rank() != array.shape.rank())
      return Error{Errc::usage, "compress: chunk shape " + to_string(chunk_shape) +
                                    " has not the array's " + std::to_string(array.shape.rank()) +
                                    " axes"};
    for (std::size_t i = 0; i < chunk_shape.rank(); ++i)
      if (chunk_shape[i] == 0 && array.shape[i] != 0)
        return Error{Errc::usage, "compress: chunks of no elements"};
    const std::size_t rank = array.shape.rank();
    const bool dithers = options.dither && !is_float(array.dtype);
    const DType decoded = dithers ? dithered_dtype(array.dtype) : array.dtype;
    ContainerIndex index{decoded, array.dtype, chunk_shape, array.shape, options.bound, {}};
    const std::size_t count =
        array.shape.count() == 0 ? 0 : chunk_grid(array.shape, chunk_shape).count();
    std::vector<Bytes> chunks(count);
    const std::size_t size = size_of(array.dtype);
    CompressOptions common = options;
    common.regions.clear();
    common.mask.clear();
    ETALON_TRY(for_chunks(count, options.threads, [&](std::size_t i) -> Result<void> {
      const ChunkBox box = chunk_box(index, i);
      Array copied;
      ArrayView piece{array.data + first_of(index.shape, box) * size, array.dtype, box.extent};
      if (!is_contiguous(index.shape, box.extent)) {
        copied = Array(array.dtype, box.extent);
        copy_box(array.data, array.shape, box.origin, copied.mutable_view().data, box.extent,
                 zeros(rank), box.extent, size);
        piece = copied.view();
      }
      CompressOptions own = common;
      ETALON_TRY(localize(options, array.shape, box, own));
      if (own.dither) own.seed = dither_bits(options.seed, i);
      ETALON_ASSIGN(chunks[i], encode_chunk(piece, own));
      return {};
    }));
    Bytes out = container_header(decoded, array.dtype, chunk_shape, options.bound);
    std::size_t total = out.size();
    for (const Bytes& chunk : chunks) total += chunk.size() + 64;  // heads and index are less
    out.reserve(total);
    for (Bytes& chunk : chunks) {
      const Bytes head = section_head("CHNK", chunk.size());
      out.insert(out.end(), head.begin(), head.end());
      index.chunks.push_back({out.size(), chunk.size()});
      out.insert(out.end(), chunk.begin(), chunk.end());
      Bytes().swap(chunk);
    }
    const Bytes tail = container_tail(index, out.size());
    out.insert(out.end(), tail.begin(), tail.end());
    return out;
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("compress: ") + e.what()};
  }
}

Result<Array> decompress(std::span<const std::byte> container, unsigned threads) {
  try {
    ETALON_ASSIGN(const auto index, parse_container(container));
    ETALON_ASSIGN(Array array, allocate(container, index, index.shape));
    ETALON_TRY(decode_chunks(container, index, array.mutable_view(), threads));
    return array;
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("decompress: ") + e.what()};
  }
}

Result<void> decompress_into(std::span<const std::byte> container, const MutableArrayView& out,
                             unsigned threads) {
  try {
    ETALON_ASSIGN(const auto index, parse_container(container));
    if (out.dtype != index.dtype || !(out.shape == index.shape))
      return Error{Errc::usage, "decompress: memory of " + std::string(name_of(out.dtype)) + " " +
                                    to_string(out.shape) + " for " +
                                    std::string(name_of(index.dtype)) + " " +
                                    to_string(index.shape)};
    ETALON_TRY(check_heads(container, index));
    return decode_chunks(container, index, out, threads);
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("decompress: ") + e.what()};
  }
}

Result<Array> decompress_box(std::span<const std::byte> container, const Box& wanted) {
  try {
    ETALON_ASSIGN(const auto index, parse_container(container));
    const std::size_t rank = index.shape.rank(), size = size_of(index.dtype);
    if (wanted.axes.size() != rank)
      return Error{Errc::usage, "box: has " + std::to_string(wanted.axes.size()) +
                                    " axes, the array has " + std::to_string(rank)};
    Shape begin = zeros(rank), extent = zeros(rank);
    for (std::size_t i = 0; i < rank; ++i) {
      const Box::Range& r = wanted.axes[i];
      if (r.begin > r.end || r.end > index.shape[i])
        return Error{Errc::usage, "box: axis " + std::to_string(i) + ": " +
                                      std::to_string(r.begin) + ":" + std::to_string(r.end) +
                                      " does not lie in 0:" + std::to_string(index.shape[i])};
      begin[i] = r.begin;
      extent[i] = r.end - r.begin;
    }
    std::vector<std::size_t> touched;
    std::uint64_t most = 0;
    for (std::size_t c = 0; c < index.chunks.size(); ++c) {
      const ChunkBox box = chunk_box(index, c);
      bool meets = true;
      for (std::size_t i = 0; i < rank; ++i)
        meets = meets && box.origin[i] < begin[i] + extent[i] &&
                begin[i] < box.origin[i] + box.extent[i];
      if (!meets) continue;
      touched.push_back(c);
      if (const auto parts = parse_indexed(chunk_bytes(container, index, c), index, c); !parts.ok())
        return Error(parts.error()).in("chunk " + std::to_string(c));
      most += box.extent.count();
    }
    if (extent.count() > most && extent.count() != 0)
      return Error{Errc::malformed, "container: declares too many elements"};
    Array array(index.dtype, extent);
    for (std::size_t c : touched) {
      auto piece = decode_chunk(chunk_bytes(container, index, c));
      if (!piece.ok()) return std::move(piece).error().in("chunk " + std::to_string(c));
      const ChunkBox box = chunk_box(index, c);
      Shape from = begin, to = begin, part = begin;
      for (std::size_t i = 0; i < rank; ++i) {
        const std::size_t low = std::max(begin[i], box.origin[i]);
        const std::size_t high = std::min(begin[i] + extent[i], box.origin[i] + box.extent[i]);
        from[i] = low - box.origin[i];
        to[i] = low - begin[i];
        part[i] = high - low;
      }
      copy_box(piece->view().data, box.extent, from, array.mutable_view().data, extent, to, part,
               size);
    }
    return array;
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("decompress: ") + e.what()};
  }
}

Result<StreamInfo> inspect(std::span<const std::byte> container) {
  return codec::inspect_container(MemorySource(container));
}

Result<StreamInfo> codec::inspect_container(const ByteSource& container) {
  try {
    ETALON_ASSIGN(const auto index, parse_container(container));
    StreamInfo info;
    info.format = "etalon " + std::to_string(format_major) + "." + std::to_string(format_minor);
    info.dtype = index.dtype;
    info.source = index.source;
    info.shape = index.shape;
    info.chunk_shape = index.chunk_shape;
    info.bound = index.bound;
    info.bytes = container.size();
    info.chunks = index.chunks.size();
    RegionInfo background;
    background.kind = "default";
    background.bound = index.bound;
    info.regions.push_back(background);
    Bytes room;
    for (std::size_t i = 0; i < index.chunks.size(); ++i) {
      ETALON_ASSIGN(const ByteSpan chunk,
                    container.read(index.chunks[i].offset, index.chunks[i].size, room));
      const auto parts = parse_indexed(chunk, index, i);
      if (!parts.ok()) return Error(parts.error()).in("chunk " + std::to_string(i));
      info.raw_bytes += parts->head.shape.count() * size_of(index.source);
      add_regions(info.regions, parts->head.regions);
    }
    return info;
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("inspect: ") + e.what()};
  }
}

}  // namespace etalon
