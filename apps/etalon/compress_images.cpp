#include "compress_images.hpp"

#include <cstring>
#include <limits>

#include "cli.hpp"
#include "codec/default_chunk.hpp"
#include "compress_chunks.hpp"
#include "etalon/series.hpp"

namespace etalon::cli {
namespace {

Result<void> go_on() {
  if (interrupted) return Error{Errc::interrupted, "compress: interrupted"};
  return {};
}

std::size_t images_known(const ImageSource& source) {
  return source.is_counted() ? images_of(source.shape()) : 0;
}

Result<ValueRange> range_of(ImageSource& source) {
  ValueRange range;
  Array image(source.dtype(), source.image_shape());
  Progress progress("range", images_known(source), "images");
  for (std::uint64_t i = 0;; ++i) {
    ETALON_TRY(go_on());
    ETALON_ASSIGN(const bool more, source.next(image.mutable_view()));
    if (!more) break;
    range.add(image.view());
    progress.update(i + 1);
  }
  ETALON_TRY(source.rewind());
  return range;
}

Result<void> find_ranges(ImageSource& source, CompressOptions& options, RegionSet& regions) {
  if (!needs_range(options) && !regions.need_range()) return {};
  if (!source.rewind().ok())
    return Error{Errc::usage,
                 "standard input: the range that rel:R refers to is known only at its end: give it "
                 "as rel:R,range=A..B, or compress a file"};
  ETALON_ASSIGN(const ValueRange range, range_of(source));
  options = with_ranges(std::move(options), range);
  regions.give_range(range);
  return {};
}

// Images in order, of which the first have been looked at already.
class Images {
 public:
  explicit Images(ImageSource& source) : source_(source) {}

  // The first few, as many as have a say in the chunks' shape. Before any call of next().
  Result<ArrayView> first() {
    const Shape image = source_.image_shape();
    const std::size_t most = codec::images_looked_at(source_.dtype(), image.count());
    looked_at_ = Array(source_.dtype(), {most, image[0], image[1]});
    const MutableArrayView all = looked_at_.mutable_view();
    const std::size_t size = image.count() * size_of(source_.dtype());
    while (held_ < most) {
      ETALON_ASSIGN(const bool more,
                    source_.next({all.data + held_ * size, source_.dtype(), image}));
      if (!more) break;
      ++held_;
    }
    return ArrayView{all.data, source_.dtype(), {held_, image[0], image[1]}};
  }
  Result<bool> next(const MutableArrayView& image) {
    if (given_ == held_) return source_.next(image);
    std::memcpy(image.data, looked_at_.view().data + given_ * image.size_bytes(),
                image.size_bytes());
    if (++given_ == held_) looked_at_ = Array();
    return true;
  }

 private:
  ImageSource& source_;
  Array looked_at_;
  std::size_t held_ = 0, given_ = 0;
};

// How images are put together for the encoder: `images` of them make a frame.
struct Frames {
  SeriesSettings settings;
  std::size_t images = 1;
  bool fits = true;  // whether frames make the chunks that are asked for
};

Frames frames_of(const ImageSource& source, const ArrayView& first_images,
                 const CompressOptions& options, bool one_image) {
  const Shape& wanted = options.chunk;
  Frames f;
  const Shape shape = source.shape();
  const std::size_t rank = shape.rank();
  f.settings.dtype = source.dtype();
  Shape long_enough = shape;
  if (!source.is_counted()) long_enough[0] = std::numeric_limits<std::uint32_t>::max();
  const Shape chunk =
      wanted.rank() == 0 ? codec::default_chunk(first_images, long_enough, options) : wanted;
  std::size_t first = rank - 2;  // axis of a frame
  while (!one_image && first > 1 && chunk[first - 1] == shape[first - 1]) --first;
  f.settings.frame = Shape(shape.extents().subspan(first));
  f.settings.outer = Shape(shape.extents().subspan(1, first - 1));
  if (!one_image && first == 1) f.settings.frames_per_chunk = chunk[0];
  f.images = f.settings.frame.count() / source.image_shape().count();
  if (wanted.rank() == 0) return f;
  f.fits = !cuts_images(chunk, shape) && (first == 1 || chunk[0] == 1);
  for (std::size_t axis = 1; axis < first; ++axis) f.fits = f.fits && chunk[axis] == 1;
  return f;
}

// The next images as a frame; false at the end.
Result<bool> next_frame(Images& source, const Shape& image, std::size_t images, Array& frame,
                        Progress& progress, std::uint64_t& read) {
  const MutableArrayView whole = frame.mutable_view();
  const std::size_t bytes = whole.size_bytes() / images;
  for (std::size_t k = 0; k < images; ++k) {
    ETALON_TRY(go_on());
    ETALON_ASSIGN(const bool more, source.next({whole.data + k * bytes, whole.dtype, image}));
    if (!more && k == 0) return false;
    if (!more)
      return Error{Errc::malformed, "ends after " + std::to_string(k) + " of the " +
                                        std::to_string(images) +
                                        " images that the last step of the first axis has"};
    progress.update(++read);
  }
  return true;
}

Result<Compressed> compress_series(ImageSource& source, const CompressJob& job,
                                   CompressOptions options, RegionSet regions, OutputFile& file) {
  ETALON_TRY(find_ranges(source, options, regions));
  Images ordered(source);
  ArrayView first_images;
  if (options.chunk.rank() == 0) {
    ETALON_ASSIGN(first_images, ordered.first());
  }
  auto [settings, images, fits] = frames_of(source, first_images, options, regions.by_peaks());
  Array one(settings.dtype, settings.frame);
  if (!regions.by_image()) {
    const ArrayView first{one.view().data, settings.dtype, source.image_shape()};
    ETALON_ASSIGN(options.regions, regions.of_image(0, first, options.mask));
  }
  if (!fits) return compress_chunks(source, options, job.name, file);
  settings.options = options;
  const auto inside = [&](Error error) { return std::move(error).in(job.name); };
  auto encoder =
      SeriesEncoder::create(settings, [&file](ByteSpan bytes) { return file.write(bytes); });
  if (!encoder.ok()) return inside(std::move(encoder).error());

  Progress progress("compress", images_known(source), "images");
  std::uint64_t read = 0;
  for (std::uint64_t i = 0;; ++i) {
    auto more = next_frame(ordered, source.image_shape(), images, one, progress, read);
    if (!more.ok()) return std::move(more).error();
    if (!*more) break;
    const auto own_options = [&options, &regions,
                              i](const ArrayView& frame) -> Result<CompressOptions> {
      CompressOptions own = options;
      ETALON_ASSIGN(own.regions, regions.of_image(i, frame, options.mask));
      return own;
    };
    auto pushed = regions.by_image() ? encoder->push_with(one.view(), own_options)
                                     : encoder->push(one.view());
    if (!pushed.ok()) return inside(std::move(pushed).error());
  }
  auto finished = encoder->finish();
  if (!finished.ok()) return inside(std::move(finished).error());
  return Compressed{source.shape(), options.bound, encoder->bytes(), encoder->chunks(), {}};
}

Result<Compressed> compress_whole(const Array& array, const CompressJob& job,
                                  CompressOptions options, RegionSet regions, OutputFile& file) {
  if (needs_range(options) || regions.need_range()) {
    ValueRange range;
    range.add(array.view());
    options = with_ranges(std::move(options), range);
    regions.give_range(range);
  }
  if (regions.by_peaks() && images_of(array.shape()) > 1)
    return Error{
        Errc::usage,
        "targets, regions over=array and chunks that cut or join images: not with peaks that "
        "differ from frame to frame"};
  ETALON_ASSIGN(options.regions, regions.of_image(0, array.view(), options.mask));
  const auto inside = [&](Error error) { return std::move(error).in(job.name); };
  std::optional<codec::MetTarget> target;
  if (job.target) {
    auto found = codec::meet_target(array.view(), options, *job.target);
    if (!found.ok()) return inside(std::move(found).error());
    target = std::move(*found);
    options.bound = target->bound;
  }
  const auto bytes = compress(array.view(), options);
  if (!bytes.ok()) return inside(bytes.error());
  ETALON_TRY(file.write(*bytes));
  ETALON_ASSIGN(const StreamInfo info, inspect(*bytes));
  return Compressed{array.shape(), options.bound, bytes->size(), info.chunks, std::move(target)};
}

// Regions, or a mask, that no stream of images can give its chunks.
bool needs_whole(const RegionSet& regions, const CompressOptions& options, const Shape& shape) {
  if (regions.over_array()) return true;
  const Shape& chunk = options.chunk;
  if (chunk.rank() == 0) return false;
  if (cuts_images(chunk, shape)) return !regions.empty() || !options.mask.empty();
  return regions.by_image() && images_of(chunk) != 1;
}

}  // namespace

Result<Compressed> compress_images(ImageSource& source, const CompressJob& job, OutputFile& file) {
  ETALON_ASSIGN(RegionSet regions, RegionSet::create(job.regions, source.shape()));
  const bool empty =
      source.image_shape().count() == 0 || (source.is_counted() && source.shape().count() == 0);
  const bool whole = job.target || needs_whole(regions, job.options, source.shape());
  if (!whole && source.shape().rank() >= 3 && !empty)
    return compress_series(source, job, job.options, std::move(regions), file);
  ETALON_ASSIGN(const Array array, source.read_all());
  return compress_whole(array, job, job.options, std::move(regions), file);
}

}  // namespace etalon::cli
