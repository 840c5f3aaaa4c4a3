#include "store/image_source.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "store/array_file.hpp"
#include "store/byte_stream.hpp"
#include "store/frame_parts.hpp"
#include "store/image_files.hpp"
#include "store/npy.hpp"
#include "store/nxmx_reader.hpp"

namespace etalon {
namespace {

std::size_t outer_axes(const Shape& shape) { return shape.rank() < 3 ? 0 : shape.rank() - 2; }

std::size_t images_in(const Shape& shape) {
  return Shape(shape.extents().first(outer_axes(shape))).count();
}

Result<std::size_t> bytes_in(DType dtype, const Shape& shape, const std::string& place) {
  std::size_t size = 0;
  if (__builtin_mul_overflow(shape.count(), size_of(dtype), &size) ||
      size > std::numeric_limits<std::size_t>::max() / 2)
    return Error{Errc::malformed, place + ": too many elements"};
  return size;
}

// Elements as they lie in memory, or swapped, from `start` on.
class StreamImages final : public ImageSource {
 public:
  struct Form {
    DType dtype;
    Shape shape;
    bool swap = false, any_length = false, npy = false;
    std::uint64_t start = 0;
  };

  static Result<std::unique_ptr<ImageSource>> create(ByteStream stream, const Form& form) {
    auto images = std::make_unique<StreamImages>(std::move(stream), form);
    ETALON_TRY(images->measure());
    return std::unique_ptr<ImageSource>(std::move(images));
  }
  StreamImages(ByteStream stream, const Form& form) : stream_(std::move(stream)), form_(form) {
    dtype_ = form.dtype;
    shape_ = form.shape;
    counted_ = !form.any_length;
    measured_ = stream_.size().has_value();
  }

  Result<bool> next(const MutableArrayView& image) override {
    if (counted_ && done_ == images_) return false;
    const std::span<std::byte> out = image.bytes();
    ETALON_ASSIGN(const std::size_t got, stream_.read(out));
    if (!counted_ && got == 0) {
      shape_[0] = done_ / steps_;
      if (done_ % steps_ != 0)
        return malformed("ends after " + std::to_string(done_) + " images, which do not fill " +
                         to_string(image_form()));
      counted_ = true;
      images_ = done_;
      return false;
    }
    if (got != out.size())
      return malformed("ends within image " + std::to_string(done_) +
                       (counted_ ? " of " + std::to_string(images_) : ""));
    if (form_.swap) swap_npy_elements(image);
    ++done_;
    if (counted_ && done_ == images_) ETALON_TRY(nothing_left());
    return true;
  }

  Result<void> rewind() override {
    ETALON_TRY(stream_.seek(form_.start));
    done_ = 0;
    return {};
  }

 private:
  Error malformed(const std::string& reason) const {
    return {Errc::malformed, stream_.path() + ": " + reason};
  }
  Shape image_form() const {
    Shape form = form_.shape;
    form[0] = 1;
    return form;
  }

  // The number of images, from the bytes there are where these are known.
  Result<void> measure() {
    const std::optional<std::uint64_t> all = stream_.size();
    if (form_.any_length) {
      ETALON_ASSIGN(const std::size_t step, bytes_in(dtype_, image_form(), stream_.path()));
      if (step == 0)
        return Error{Errc::usage, stream_.path() + ": images of no elements cannot be counted"};
      steps_ = images_in(image_form());
      if (!all) return {};
      counted_ = true;
      shape_[0] = *all / step;
      if (*all % step != 0)
        return malformed(std::to_string(*all) + " bytes are no whole number of " +
                         to_string(image_form()) + " " + std::string(name_of(dtype_)));
    }
    images_ = images_in(shape_);
    ETALON_ASSIGN(const std::size_t size, bytes_in(dtype_, shape_, stream_.path()));
    if (all && *all - form_.start != size)
      return malformed((form_.npy ? "npy elements: " : "") + std::to_string(*all - form_.start) +
                       " bytes are not " + to_string(shape_) + " " + std::string(name_of(dtype_)));
    if (size == 0) {
      images_ = 0;
      return nothing_left();
    }
    return {};
  }

  Result<void> nothing_left() {
    std::byte one;
    ETALON_ASSIGN(const std::size_t more, stream_.read({&one, 1}));
    if (more != 0)
      return malformed("has more bytes than " + to_string(shape_) + " " +
                       std::string(name_of(dtype_)));
    return {};
  }

  ByteStream stream_;
  Form form_;
  std::size_t images_ = 0, done_ = 0;
  std::size_t steps_ = 1;  // images in a step of the first axis
};

class Hdf5Images final : public ImageSource {
 public:
  Hdf5Images(h5::File file, h5::Dataset dataset)
      : file_(std::move(file)), dataset_(std::move(dataset)) {
    dtype_ = dataset_.dtype();
    shape_ = dataset_.shape();
  }

  Result<void> prepare() {
    if (shape_.count() > std::numeric_limits<std::size_t>::max() / 16)
      return Error{Errc::malformed, dataset_.place() + ": too many elements"};
    images_ = shape_.count() == 0 ? 0 : images_in(shape_);
    if (images_ == 0) return {};
    const std::size_t size = image_shape().count() * size_of(dtype_);
    ETALON_TRY(dataset_.check_size(size));
    // A chunk of several images is read once, as long as that does not take much.
    const std::size_t axes = outer_axes(shape_);
    if (axes == 0) return {};
    const std::size_t in_chunk = dataset_.chunk().rank() == 0 ? 1 : dataset_.chunk()[axes - 1];
    at_once_ = std::clamp<std::size_t>((std::size_t{64} << 20) / size, 1, in_chunk);
    return {};
  }

  Result<bool> next(const MutableArrayView& image) override {
    if (done_ == images_) return false;
    const std::size_t size = image.size_bytes();
    if (at_ == slab_.count() * size_of(dtype_)) ETALON_TRY(read_slab());
    std::memcpy(image.data, slab_.view().data + at_, size);
    at_ += size;
    ++done_;
    return true;
  }

  Result<void> rewind() override {
    done_ = at_ = 0;
    slab_ = Array();
    return {};
  }

  Result<Array> read_all() override { return dataset_.read_all(); }

 private:
  Result<void> read_slab() {
    const std::size_t axes = outer_axes(shape_);
    std::array<std::size_t, Shape::max_rank> start{};
    Shape count = shape_;
    std::size_t rest = done_;
    for (std::size_t axis = axes; axis-- > 0; rest /= shape_[axis]) {
      start[axis] = rest % shape_[axis];
      count[axis] = 1;
    }
    if (axes != 0) {
      // Up to the end of the chunk, so that later reads begin with one.
      const std::size_t i = start[axes - 1];
      count[axes - 1] = std::min(at_once_ - i % at_once_, shape_[axes - 1] - i);
    }
    if (!(slab_.shape() == count)) slab_ = Array(dtype_, count);
    at_ = 0;
    auto read =
        dataset_.read(std::span(start).first(shape_.rank()), count.extents(), slab_.mutable_view());
    if (!read.ok()) {
      Error why = std::move(read).error();
      if (axes != 0) why.message += " (image " + std::to_string(done_) + ")";
      return why;
    }
    return {};
  }

  h5::File file_;
  h5::Dataset dataset_;
  std::size_t images_ = 0, at_once_ = 1, done_ = 0;
  Array slab_;
  std::size_t at_ = 0;  // bytes of it that were given
};

// Frames of their own files.
class SeriesImages final : public ImageSource {
 public:
  explicit SeriesImages(std::unique_ptr<SeriesReader> series) : series_(std::move(series)) {
    const SeriesInfo& info = series_->info();
    dtype_ = info.dtype;
    shape_ = {info.frames, info.geometry.ny, info.geometry.nx};
  }
  Result<bool> next(const MutableArrayView& image) override {
    if (done_ == series_->info().frames) return false;
    ETALON_ASSIGN(const Frame frame, series_->read(done_++));
    std::memcpy(image.data, frame.image.view().data, image.size_bytes());
    return true;
  }
  Result<void> rewind() override {
    done_ = 0;
    return {};
  }

 private:
  std::unique_ptr<SeriesReader> series_;
  std::uint64_t done_ = 0;
};

class WholeArray final : public ImageSource {
 public:
  explicit WholeArray(Array array) : array_(std::move(array)) {
    dtype_ = array_.dtype();
    shape_ = array_.shape();
  }
  Result<bool> next(const MutableArrayView& image) override {
    if (at_ == array_.view().size_bytes()) return false;
    std::memcpy(image.data, array_.view().data + at_, image.size_bytes());
    at_ += image.size_bytes();
    return true;
  }
  Result<void> rewind() override {
    at_ = 0;
    return {};
  }
  Result<Array> read_all() override { return std::move(array_); }

 private:
  Array array_;
  std::size_t at_ = 0;  // bytes
};

Result<std::unique_ptr<ImageSource>> open_npy(ByteStream stream) {
  const std::string place = stream.path();
  auto header = [&]() -> Result<NpyHeader> {
    Bytes bytes(12);
    const auto fill = [&](std::size_t from) -> Result<void> {
      ETALON_ASSIGN(const std::size_t got, stream.read(std::span(bytes).subspan(from)));
      bytes.resize(from + got);
      return {};
    };
    ETALON_TRY(fill(0));
    const std::size_t size = npy_header_size(bytes);
    if (size > std::size_t{1} << 20)
      return Error{Errc::malformed, "npy header: says it has " + std::to_string(size) + " bytes"};
    if (size > bytes.size()) {
      const std::size_t from = bytes.size();
      bytes.resize(size);
      ETALON_TRY(fill(from));
    }
    return parse_npy_header(bytes);
  }();
  if (!header.ok()) return std::move(header).error().in(place);
  return StreamImages::create(
      std::move(stream), {header->dtype, header->shape, header->swap, false, true, header->size});
}

Result<std::unique_ptr<ImageSource>> open_raw(ByteStream stream, const OpenOptions& options) {
  if (options.shape.rank() == 0) {
    if (const auto format = foreign_format(stream.path()); !format.empty())
      return Error{Errc::malformed, stream.path() + ": " + std::string(format) +
                                        " is not read; HDF5, .npy, CBF, TIFF and raw bytes are"};
    return Error{Errc::usage,
                 stream.path() + ": raw bytes need a type and a shape (--dtype, --shape)"};
  }
  return StreamImages::create(std::move(stream),
                              {options.dtype, options.shape, false, options.any_length, false, 0});
}

Result<std::unique_ptr<ImageSource>> open_hdf5(const std::string& path,
                                               const OpenOptions& options) {
  ETALON_ASSIGN(h5::File file, h5::File::open(path));
  ETALON_ASSIGN(const std::string name, find_images(file, options.dataset, true));
  ETALON_ASSIGN(h5::Dataset dataset, one_dataset(file, name, !options.dataset.empty()));
  auto images = std::make_unique<Hdf5Images>(std::move(file), std::move(dataset));
  ETALON_TRY(images->prepare());
  return std::unique_ptr<ImageSource>(std::move(images));
}

}  // namespace

Shape ImageSource::image_shape() const {
  return Shape(shape_.extents().subspan(outer_axes(shape_)));
}

Result<Array> ImageSource::read_all() {
  const Shape image = image_shape();
  Bytes bytes;
  if (measured_) {
    Array array(dtype_, shape_);
    const std::size_t size = image.count() * size_of(dtype_);
    for (std::size_t at = 0;; at += size) {
      if (at == array.view().size_bytes()) {
        Array spare(dtype_, image);
        ETALON_ASSIGN(const bool more, next(spare.mutable_view()));
        if (!more) return array;
        return Error{Errc::malformed, "more images than " + to_string(shape_)};
      }
      ETALON_ASSIGN(const bool more, next({array.mutable_view().data + at, dtype_, image}));
      if (!more) return Error{Errc::malformed, "fewer images than " + to_string(shape_)};
    }
  }
  Array one(dtype_, image);
  while (true) {
    ETALON_ASSIGN(const bool more, next(one.mutable_view()));
    if (!more) break;
    bytes.insert(bytes.end(), one.view().bytes().begin(), one.view().bytes().end());
  }
  Array array(dtype_, shape_);
  if (!bytes.empty()) std::memcpy(array.mutable_view().data, bytes.data(), bytes.size());
  return array;
}

Result<std::unique_ptr<ImageSource>> open_images(const std::string& path,
                                                 const OpenOptions& options) {
  if (path == "-") {
    ETALON_ASSIGN(ByteStream stream, ByteStream::open(path));
    ETALON_ASSIGN(const ByteSpan start, stream.peek(6));
    const bool npy = text_of(start) == "\x93NUMPY";
    if (npy && options.shape.rank() != 0)
      return Error{Errc::usage, "standard input: is .npy: --dtype and --shape are for raw bytes"};
    return npy ? open_npy(std::move(stream)) : open_raw(std::move(stream), options);
  }
  if (is_folder_or_pattern(path)) {
    ETALON_ASSIGN(auto series, open_series(path, options));
    return std::unique_ptr<ImageSource>(std::make_unique<SeriesImages>(std::move(series)));
  }
  switch (file_kind(path)) {
    case FileKind::hdf5:
      return open_hdf5(path, options);
    case FileKind::cbf: {
      ETALON_ASSIGN(CbfImage cbf, read_cbf(path));
      return std::unique_ptr<ImageSource>(std::make_unique<WholeArray>(std::move(cbf.image)));
    }
    case FileKind::tiff: {
      ETALON_ASSIGN(Array tiff, read_tiff(path));
      return std::unique_ptr<ImageSource>(std::make_unique<WholeArray>(std::move(tiff)));
    }
    case FileKind::npy:
    case FileKind::raw:
      break;
  }
  ETALON_ASSIGN(ByteStream stream, ByteStream::open(path));
  return file_kind(path) == FileKind::npy ? open_npy(std::move(stream))
                                          : open_raw(std::move(stream), options);
}

Result<Array> read_array(const std::string& path, const OpenOptions& options) {
  ETALON_ASSIGN(const auto images, open_images(path, options));
  return images->read_all();
}

}  // namespace etalon
