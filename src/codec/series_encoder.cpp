#include "etalon/series.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <utility>

#include "base/bytes.hpp"
#include "base/thread_pool.hpp"
#include "codec/dither.hpp"
#include "codec/limits.hpp"

namespace etalon {
namespace {

using namespace codec;
using SharedOptions = std::shared_ptr<const CompressOptions>;

Error usage(const std::string& reason) { return {Errc::usage, "series: " + reason}; }

// Axes of fewer than 6 are checked before.
Shape join(std::size_t first, const Shape& outer, const Shape& frame) {
  std::array<std::size_t, Shape::max_rank> extents{first};
  std::copy(outer.extents().begin(), outer.extents().end(), extents.begin() + 1);
  std::copy(frame.extents().begin(), frame.extents().end(), extents.begin() + 1 + outer.rank());
  return Shape(std::span(extents.data(), 1 + outer.rank() + frame.rank()));
}

Shape chunk_of(const SeriesSettings& settings, std::size_t frames) {
  Shape ones = settings.outer;
  for (std::size_t i = 0; i < ones.rank(); ++i) ones[i] = 1;
  return join(frames, ones, settings.frame);
}

// A chunk on its way.
struct Slot {
  std::uint64_t number = 0, first_frame = 0;
  std::size_t frames = 0;
  Array elements;
  SharedOptions options;
  SeriesEncoder::OptionsOf options_of;  // instead of `options`, where there is one
  std::optional<Result<Bytes>> encoded;

  std::string name() const {
    const std::string first = std::to_string(first_frame);
    return frames == 1 ? "frame " + first
                       : "frames " + first + " to " + std::to_string(first_frame + frames - 1);
  }
};

Result<void> check(const SeriesSettings& settings, const CompressOptions& options) {
  if (settings.frame.rank() < 2 && (!options.regions.empty() || !options.mask.empty()))
    return usage("regions and masks need frames of at least two axes");
  if (options.dither != settings.options.dither)
    return usage("frames are dithered all or none: the container has one element type");
  return {};
}

}  // namespace

class SeriesEncoder::Impl {
 public:
  Impl(const SeriesSettings& settings, ContainerWriter writer, Sink sink)
      : settings_(settings),
        common_(std::make_shared<const CompressOptions>(settings.options)),
        writer_(std::move(writer)),
        sink_(std::move(sink)) {
    if (settings.options.threads > 1) pool_.emplace(settings.options.threads);
  }
  ~Impl() { stopped_ = true; }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Runs a step; its failure is the encoder's from then on.
  template <typename Step>
  Result<void> guarded(Step&& step) {
    if (failed_) return *failed_;
    try {
      Result<void> done = step();
      if (!done.ok()) failed_ = done.error();
      stopped_ = stopped_ || failed_.has_value();
      return done;
    } catch (const std::exception& e) {
      stopped_ = true;
      failed_ = Error{Errc::io, std::string("series: ") + e.what()};
      return *failed_;
    }
  }

  Result<void> start() { return put(writer_.header()); }
  Result<void> push(const ArrayView& frame, const CompressOptions* own, OptionsOf options_of);
  Result<void> finish();

  std::uint64_t frames() const { return frames_; }
  std::uint64_t chunks() const { return written_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<void> put(ByteSpan bytes) {
    bytes_ += bytes.size();
    return sink_(bytes);
  }
  Array buffer() {
    if (spare_.empty())
      return Array(settings_.dtype, chunk_of(settings_, settings_.frames_per_chunk));
    Array array = std::move(spare_.back());
    spare_.pop_back();
    return array;
  }
  Result<Bytes> encode(const Slot& slot) const;
  Result<void> submit();
  Result<void> write_front();
  // Writes what is encoded, and waits until at most `most` chunks are left.
  Result<void> write_until(std::size_t most);

  const SeriesSettings settings_;
  const SharedOptions common_;
  ContainerWriter writer_;
  Sink sink_;
  std::uint64_t frames_ = 0, written_ = 0, submitted_ = 0, bytes_ = 0;
  bool finished_ = false;
  std::optional<Error> failed_;
  std::atomic<bool> stopped_{false};

  Slot filling_;
  std::deque<Slot> window_;  // in order; a slot's address holds until it is written
  std::vector<Array> spare_;
  std::mutex mutex_;  // guards every slot's `encoded`
  std::condition_variable encoded_;
  std::optional<ThreadPool> pool_;  // last, so that its threads end before what they use
};

Result<void> SeriesEncoder::Impl::push(const ArrayView& frame, const CompressOptions* own,
                                       OptionsOf options_of) {
  if (finished_) return usage("push after finish");
  const auto here = [&](Error error) {
    return std::move(error).in("frame " + std::to_string(frames_));
  };
  if (frame.dtype != settings_.dtype || !(frame.shape == settings_.frame))
    return here(usage(std::string(name_of(frame.dtype)) + " " + to_string(frame.shape) + " where " +
                      std::string(name_of(settings_.dtype)) + " " + to_string(settings_.frame) +
                      " is expected"));
  if (own != nullptr && settings_.frames_per_chunk != 1)
    return here(usage("options of its own need one frame a chunk"));
  if (own != nullptr) {
    if (auto fine = check(settings_, *own); !fine.ok()) return here(std::move(fine).error());
  }
  if (filling_.frames == 0) {
    if (pool_) ETALON_TRY(write_until(2 * pool_->size() - 1));
    filling_.number = submitted_;
    filling_.first_frame = frames_;
    filling_.elements = buffer();
    filling_.options = own == nullptr ? common_ : std::make_shared<const CompressOptions>(*own);
    filling_.options_of = std::move(options_of);
  }
  std::memcpy(filling_.elements.mutable_view().data + filling_.frames * frame.size_bytes(),
              frame.data, frame.size_bytes());
  ++filling_.frames;
  ++frames_;
  return filling_.frames == settings_.frames_per_chunk ? submit() : Result<void>{};
}

Result<Bytes> SeriesEncoder::Impl::encode(const Slot& slot) const {
  const ArrayView elements{slot.elements.view().data, settings_.dtype,
                           chunk_of(settings_, slot.frames)};
  if (slot.options_of) {
    ETALON_ASSIGN(
        CompressOptions own,
        slot.options_of({elements.data, settings_.dtype,
                         settings_.frames_per_chunk == 1 ? settings_.frame : elements.shape}));
    ETALON_TRY(check(settings_, own));
    if (own.dither) own.seed = dither_bits(own.seed, slot.number);
    return encode_chunk(elements, own);
  }
  if (!slot.options->dither) return encode_chunk(elements, *slot.options);
  CompressOptions own = *slot.options;
  own.seed = dither_bits(own.seed, slot.number);
  return encode_chunk(elements, own);
}

Result<void> SeriesEncoder::Impl::submit() {
  window_.push_back(std::exchange(filling_, Slot{}));
  ++submitted_;
  Slot& slot = window_.back();
  if (!pool_) {
    slot.encoded = encode(slot);
    return write_front();
  }
  pool_->submit([this, &slot] {
    std::optional<Result<Bytes>> encoded;
    try {
      if (!stopped_) encoded = encode(slot);
    } catch (const std::exception& e) {
      encoded = Error{Errc::io, e.what()};
    }
    const std::lock_guard lock(mutex_);
    slot.encoded = std::move(encoded);
    encoded_.notify_one();
  });
  return {};
}

Result<void> SeriesEncoder::Impl::write_front() {
  Slot& slot = window_.front();
  if (!slot.encoded->ok()) return Error(slot.encoded->error()).in(slot.name());
  auto section = writer_.chunk(**slot.encoded);
  if (!section.ok()) return std::move(section).error().in(slot.name());
  ETALON_TRY(put(*section));
  ++written_;
  spare_.push_back(std::move(slot.elements));
  window_.pop_front();
  return {};
}

Result<void> SeriesEncoder::Impl::write_until(std::size_t most) {
  while (!window_.empty()) {
    {
      const Slot& front = window_.front();
      std::unique_lock lock(mutex_);
      if (window_.size() > most) encoded_.wait(lock, [&] { return front.encoded.has_value(); });
      if (!front.encoded.has_value()) return {};
    }
    ETALON_TRY(write_front());
  }
  return {};
}

Result<void> SeriesEncoder::Impl::finish() {
  if (finished_) return usage("finished already");
  if (filling_.frames != 0) ETALON_TRY(submit());
  ETALON_TRY(write_until(0));
  if (settings_.outer.rank() == 0) {
    ETALON_TRY(put(writer_.finish()));
  } else {
    const std::size_t step = std::max<std::size_t>(settings_.outer.count(), 1);
    auto tail = writer_.finish(join(frames_ / step, settings_.outer, settings_.frame));
    if (!tail.ok())
      return usage(std::to_string(frames_) + " frames do not fill the axes " +
                   to_string(settings_.outer));
    ETALON_TRY(put(*tail));
  }
  finished_ = true;
  return {};
}

SeriesEncoder::SeriesEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SeriesEncoder::SeriesEncoder(SeriesEncoder&&) noexcept = default;
SeriesEncoder& SeriesEncoder::operator=(SeriesEncoder&&) noexcept = default;
SeriesEncoder::~SeriesEncoder() = default;

Result<SeriesEncoder> SeriesEncoder::create(const SeriesSettings& settings, Sink sink) {
  try {
    if (settings.frame.rank() >= Shape::max_rank) return usage("frames have at most 5 axes");
    if (settings.outer.rank() + settings.frame.rank() >= Shape::max_rank)
      return usage("there are more than 6 axes");
    if (settings.outer.rank() != 0 &&
        (settings.frames_per_chunk != 1 || settings.outer.count() == 0))
      return usage("outer axes have elements, and one frame a chunk");
    const Shape chunk = chunk_of(settings, settings.frames_per_chunk);
    ETALON_TRY(check(settings, settings.options));
    // A chunk of no elements is refused for the same options as one with elements.
    ETALON_TRY(encode_chunk({nullptr, settings.dtype, chunk_of(settings, 0)}, settings.options));
    if (chunk.count() > max_chunk_raw_bytes / size_of(settings.dtype))
      return usage("a chunk of shape " + to_string(chunk) + " is larger than 1 GiB");
    const DType decoded = settings.options.dither && !is_float(settings.dtype)
                              ? dithered_dtype(settings.dtype)
                              : settings.dtype;
    ETALON_ASSIGN(auto writer,
                  ContainerWriter::create(decoded, chunk, settings.options.bound, settings.dtype));
    SeriesEncoder encoder(std::make_unique<Impl>(settings, std::move(writer), std::move(sink)));
    ETALON_TRY(encoder.impl_->guarded([&] { return encoder.impl_->start(); }));
    return encoder;
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("series: ") + e.what()};
  }
}

Result<void> SeriesEncoder::push(const ArrayView& frame) {
  return impl_->guarded([&] { return impl_->push(frame, nullptr, {}); });
}
Result<void> SeriesEncoder::push(const ArrayView& frame, const CompressOptions& options) {
  return impl_->guarded([&] { return impl_->push(frame, &options, {}); });
}
Result<void> SeriesEncoder::push_with(const ArrayView& frame, OptionsOf options_of) {
  return impl_->guarded([&] { return impl_->push(frame, nullptr, std::move(options_of)); });
}
Result<void> SeriesEncoder::finish() {
  return impl_->guarded([&] { return impl_->finish(); });
}

std::uint64_t SeriesEncoder::frames() const { return impl_->frames(); }
std::uint64_t SeriesEncoder::chunks() const { return impl_->chunks(); }
std::uint64_t SeriesEncoder::bytes() const { return impl_->bytes(); }

}  // namespace etalon
