#include "compress_images.hpp"

#include "cli.hpp"
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

Result<Compressed> compress_series(ImageSource& source, const CompressJob& job,
                                   CompressOptions options, RegionSet regions, OutputFile& file) {
  ETALON_TRY(find_ranges(source, options, regions));
  const Shape image = source.image_shape();
  SeriesSettings settings;
  settings.dtype = source.dtype();
  settings.frame = image;
  settings.outer = Shape(source.shape().extents().subspan(1, source.shape().rank() - 3));
  Array one(settings.dtype, image);
  if (!regions.by_image()) {
    ETALON_ASSIGN(options.regions, regions.of_image(0, one.view(), options.mask));
  }
  settings.options = options;
  const auto inside = [&](Error error) { return std::move(error).in(job.name); };
  auto encoder =
      SeriesEncoder::create(settings, [&file](ByteSpan bytes) { return file.write(bytes); });
  if (!encoder.ok()) return inside(std::move(encoder).error());

  Progress progress("compress", images_known(source), "images");
  for (std::uint64_t i = 0;; ++i) {
    ETALON_TRY(go_on());
    ETALON_ASSIGN(const bool more, source.next(one.mutable_view()));
    if (!more) break;
    const auto own_options = [&options, &regions,
                              i](const ArrayView& frame) -> Result<CompressOptions> {
      CompressOptions own = options;
      ETALON_ASSIGN(own.regions, regions.of_image(i, frame, options.mask));
      return own;
    };
    auto pushed = regions.by_image() ? encoder->push_with(one.view(), own_options)
                                     : encoder->push(one.view());
    if (!pushed.ok()) return inside(std::move(pushed).error());
    progress.update(i + 1);
  }
  auto finished = encoder->finish();
  if (!finished.ok()) return inside(std::move(finished).error());
  return Compressed{source.shape(), options.bound, encoder->bytes(), encoder->chunks()};
}

Result<Compressed> compress_whole(const Array& array, const CompressJob& job,
                                  CompressOptions options, RegionSet regions, OutputFile& file) {
  if (needs_range(options) || regions.need_range()) {
    ValueRange range;
    range.add(array.view());
    options = with_ranges(std::move(options), range);
    regions.give_range(range);
  }
  if (regions.by_image() && images_of(array.shape()) > 1)
    return Error{Errc::usage,
                 "targets psnr:D and ratio:X: not with regions that differ from frame to frame; "
                 "find a bound without them first"};
  ETALON_ASSIGN(options.regions, regions.of_image(0, array.view(), options.mask));
  const auto inside = [&](Error error) { return std::move(error).in(job.name); };
  if (job.target) {
    auto found = find_bound(array.view(), options, *job.target);
    if (!found.ok()) return inside(std::move(found).error());
    options.bound = *found;
  }
  const auto bytes = compress(array.view(), options);
  if (!bytes.ok()) return inside(bytes.error());
  ETALON_TRY(file.write(*bytes));
  ETALON_ASSIGN(const StreamInfo info, inspect(*bytes));
  return Compressed{array.shape(), options.bound, bytes->size(), info.chunks};
}

}  // namespace

Result<Compressed> compress_images(ImageSource& source, const CompressJob& job, OutputFile& file) {
  ETALON_ASSIGN(RegionSet regions, RegionSet::create(job.regions, source.shape()));
  const bool empty =
      source.image_shape().count() == 0 || (source.is_counted() && source.shape().count() == 0);
  if (!job.target && source.shape().rank() >= 3 && !empty)
    return compress_series(source, job, job.options, std::move(regions), file);
  ETALON_ASSIGN(const Array array, source.read_all());
  return compress_whole(array, job, job.options, std::move(regions), file);
}

}  // namespace etalon::cli
