// A series of frames, compressed while it is taken: frames go in one by one, a container's bytes
// come out in order, and memory does not grow with the series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "etalon/codec.hpp"

#pragma GCC visibility push(default)
namespace etalon {

struct SeriesSettings {
  DType dtype = DType::u16;
  Shape frame;                       // extents of one frame, slowest first; at most 5 axes
  std::size_t frames_per_chunk = 1;  // the last chunk may hold fewer
  // Axes between the first one and the frame's: with {b, c} the container's shape is
  // (n, b, c, frame...), frames come in C order, and a chunk is one frame.
  Shape outer;
  // Of every frame. `chunk` is not looked at. With `threads` above 1 as many threads encode, and at
  // most twice as many chunks are in memory; otherwise `push` encodes by itself.
  CompressOptions options;
};

// The container is byte for byte what `compress` makes of the whole array with the same options and
// chunks of {frames_per_chunk, outer ones, frame...}, whatever `threads` is. rel bounds need their
// range: `with_ranges` has it after a pass over the frames.
//
// Not thread-safe: one thread pushes. After an error nothing more is encoded or written, and every
// call gives that error again; what the sink has then is no container.
class SeriesEncoder {
 public:
  // Takes the next bytes of the container. It is called within `create`, `push` and `finish`, on
  // their thread; an error from it is theirs.
  using Sink = std::function<Result<void>(std::span<const std::byte>)>;

  // Errc::usage for options that no frame could be encoded with.
  static Result<SeriesEncoder> create(const SeriesSettings& settings, Sink sink);
  SeriesEncoder(SeriesEncoder&&) noexcept;
  SeriesEncoder& operator=(SeriesEncoder&&) noexcept;
  ~SeriesEncoder();  // drops what is not written

  // The elements are copied: the frame may be gone when this returns. Waits while as many chunks as
  // may be are in memory. An error may be that of an earlier frame; its message names the frame.
  Result<void> push(const ArrayView& frame);
  // A frame with options of its own, for regions that follow what is in it. Needs one frame a
  // chunk, and `dither` as the series has it.
  Result<void> push(const ArrayView& frame, const CompressOptions& options);
  // The same with options that are made from the frame, by the thread that encodes it: what that
  // takes is done side by side. Called once for each frame, on any thread. Where a chunk has
  // several frames it is the function of the first of them, called once for all with (frames,
  // frame...).
  using OptionsOf = std::function<Result<CompressOptions>(const ArrayView& frame)>;
  Result<void> push_with(const ArrayView& frame, OptionsOf options_of);
  // Waits for all frames and writes the index. Nothing can be pushed after it. Errc::usage when the
  // frames do not fill the outer axes.
  Result<void> finish();

  std::uint64_t frames() const;  // pushed
  std::uint64_t chunks() const;  // given to the sink
  std::uint64_t bytes() const;   // given to the sink

 private:
  class Impl;
  explicit SeriesEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
#pragma GCC visibility pop
