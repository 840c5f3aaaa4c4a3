#include "compress_chunks.hpp"

#include <algorithm>
#include <exception>

#include "cli.hpp"
#include "codec/boxes.hpp"
#include "codec/container_format.hpp"
#include "codec/dither.hpp"
#include "sim/workers.hpp"

namespace etalon::cli {
namespace {

// The array in slabs: steps along one axis, whole along those after it.
struct Slabs {
  std::size_t axis = 0;             // along which slabs are cut
  std::size_t images_per_step = 1;  // along that axis
  Shape extent;                     // of a whole slab

  Slabs(const Shape& shape, const Shape& chunk) : extent(shape) {
    while (axis + 2 < shape.rank() && chunk[axis] == 1) extent[axis++] = 1;
    extent[axis] = axis + 2 < shape.rank() ? chunk[axis] : shape[axis];
    for (std::size_t i = axis + 1; i + 2 < shape.rank(); ++i) images_per_step *= shape[i];
  }
  bool of_images() const { return axis + 2 < extent.rank(); }  // else one image
};

class ChunkStream {
 public:
  ChunkStream(const ImageSource& source, const CompressOptions& options, OutputFile& file)
      : options_(options),
        file_(file),
        index_{options.dither && !is_float(source.dtype()) ? dithered_dtype(source.dtype())
                                                           : source.dtype(),
               source.dtype(),
               options.chunk,
               source.shape(),
               options.bound,
               {}},
        workers_(std::max(1u, options.threads)) {}

  Result<void> start() {
    return put(
        codec::container_header(index_.dtype, index_.source, index_.chunk_shape, index_.bound));
  }

  // A slab's chunks, side by side.
  Result<void> add(const ArrayView& slab) {
    const codec::ContainerIndex own{index_.dtype, index_.source, index_.chunk_shape,
                                    slab.shape,   index_.bound,  {}};
    const std::size_t count = codec::chunk_grid(slab.shape, index_.chunk_shape).count();
    std::vector<Result<Bytes>> chunks(count, Bytes{});
    workers_.for_each(count, [&](std::size_t i) { chunks[i] = encode(slab, own, i); });
    for (Result<Bytes>& chunk : chunks) {
      if (!chunk.ok())
        return std::move(chunk).error().in("chunk " + std::to_string(index_.chunks.size()));
      ETALON_TRY(put(codec::section_head("CHNK", chunk->size())));
      index_.chunks.push_back({bytes_, chunk->size()});
      ETALON_TRY(put(*chunk));
    }
    return {};
  }

  Result<Compressed> finish(const Shape& shape) {
    index_.shape = shape;
    ETALON_TRY(put(codec::container_tail(index_, bytes_)));
    return Compressed{shape, index_.bound, bytes_, index_.chunks.size(), {}};
  }

 private:
  Result<Bytes> encode(const ArrayView& slab, const codec::ContainerIndex& own, std::size_t i) try {
    const codec::ChunkBox box = codec::chunk_box(own, i);
    Array piece(slab.dtype, box.extent);
    codec::copy_box(slab.data, slab.shape, box.origin, piece.mutable_view().data, box.extent,
                    codec::zeros(box.extent.rank()), box.extent, size_of(slab.dtype));
    if (!options_.dither) return encode_chunk(piece.view(), options_);
    CompressOptions dithered = options_;
    dithered.seed = codec::dither_bits(options_.seed, index_.chunks.size() + i);
    return encode_chunk(piece.view(), dithered);
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("compress: ") + e.what()};
  }
  Result<void> put(ByteSpan bytes) {
    bytes_ += bytes.size();
    return file_.write(bytes);
  }

  const CompressOptions& options_;
  OutputFile& file_;
  codec::ContainerIndex index_;
  std::uint64_t bytes_ = 0;
  Workers workers_;
};

// Images in order into the slab's memory, at most `most`; how many there were.
Result<std::size_t> read_images(ImageSource& source, const MutableArrayView& slab,
                                std::size_t most) {
  const std::size_t bytes = source.image_shape().count() * size_of(source.dtype());
  for (std::size_t i = 0; i < most; ++i) {
    if (interrupted) return Error{Errc::interrupted, "compress: interrupted"};
    ETALON_ASSIGN(const bool more,
                  source.next({slab.data + i * bytes, slab.dtype, source.image_shape()}));
    if (!more) return i;
  }
  return most;
}

}  // namespace

Result<Shape> parse_chunk_shape(const std::string& text, const ImageSource& source) {
  const Shape& shape = source.shape();
  const auto refuse = [&](const std::string& reason) {
    return Error{Errc::usage, "--chunk " + text + ": " + reason};
  };
  auto chunk = parse_shape(text);
  if (!chunk.ok()) return refuse("expected an extent for every axis, such as 16,128,128");
  if (chunk->rank() != shape.rank())
    return refuse("has " + std::to_string(chunk->rank()) + " axes, the array has " +
                  std::to_string(shape.rank()));
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if ((*chunk)[axis] == 0) return refuse("axis " + std::to_string(axis) + ": chunks of nothing");
    if (axis == 0 && !source.is_counted()) continue;
    (*chunk)[axis] = std::min((*chunk)[axis], std::max<std::size_t>(shape[axis], 1));
  }
  return chunk;
}

bool cuts_images(const Shape& chunk, const Shape& shape) {
  for (std::size_t axis = chunk.rank(); axis-- > 0 && axis + 2 >= chunk.rank();)
    if (chunk[axis] != shape[axis]) return true;
  return false;
}

Result<Compressed> compress_chunks(ImageSource& source, const CompressOptions& options,
                                   const std::string& name, OutputFile& file) {
  const auto inside = [&](Error error) { return std::move(error).in(name); };
  const Slabs slabs(source.shape(), options.chunk);
  ChunkStream stream(source, options, file);
  ETALON_TRY(stream.start());
  Array slab(source.dtype(), slabs.extent);
  const std::size_t steps_in_all =
      slabs.axis == 0 && !source.is_counted() ? 0 : source.shape()[slabs.axis];
  Progress progress("compress", source.is_counted() ? images_of(source.shape()) : 0, "images");
  std::uint64_t read = 0;
  for (std::size_t step = 0;;) {
    std::size_t steps = slabs.extent[slabs.axis];
    if (steps_in_all != 0) steps = std::min(steps, steps_in_all - step);
    const std::size_t most = slabs.of_images() ? steps * slabs.images_per_step : 1;
    ETALON_ASSIGN(const std::size_t images, read_images(source, slab.mutable_view(), most));
    if (images == 0 && (step == 0 || steps_in_all == 0)) break;
    const bool ends = images < most;
    if (ends && (steps_in_all != 0 || images % slabs.images_per_step != 0))
      return inside({Errc::malformed, "ends within the last step of the first axis"});
    Shape extent = slabs.extent;
    if (slabs.of_images()) extent[slabs.axis] = images / slabs.images_per_step;
    if (auto added = stream.add({slab.view().data, slab.dtype(), extent}); !added.ok())
      return inside(std::move(added).error());
    progress.update(read += images);
    if (ends) break;
    step = steps_in_all == 0 ? step + steps : (step + steps) % steps_in_all;
  }
  return stream.finish(source.shape());
}

}  // namespace etalon::cli
