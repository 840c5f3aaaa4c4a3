// Where a run's frames come from: a file that is read, or a detector's stream.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frame/series.hpp"
#include "pipeline/recipe.hpp"
#include "stream/packed_array.hpp"

namespace etalon {

// A frame, or why there is none, and when it began to be there: latency counts from then.
struct Arrival {
  Arrival(std::chrono::steady_clock::time_point when, Result<Frame> what)
      : since(when), frame(std::move(what)) {}

  std::chrono::steady_clock::time_point since;
  Result<Frame> frame;
  std::optional<PackedArray> packed;  // the frame's image, which unpack() puts into it
  bool is_damaged = false;            // by what was found in a stream: the frame is lost, no more

  // Takes time; on any thread.
  void unpack();
};

class FrameSource {
 public:
  virtual ~FrameSource() = default;
  // frames: how many there will be; 0: not known.
  virtual const SeriesInfo& info() const = 0;
  // The next frame in order; waits for it. Nothing: the source is at its end, or a stream was
  // interrupted.
  virtual std::optional<Arrival> next() = 0;
  // Files that are read, for the ledger.
  virtual std::vector<std::string> files() const { return {}; }
  // Frames of the series that never came, or too late, by cause; all are known after the last
  // frame.
  virtual std::map<std::string, std::uint64_t> lost() const { return {}; }
  // How long next() has worked, without waiting.
  virtual double busy_s() const = 0;
  // Why the series is not whole though nobody interrupted it; none: it is.
  virtual std::optional<Error> cut_short() const { return std::nullopt; }
};

// A series that a killed process began to take from a stream.
struct ResumedSeries {
  SeriesInfo info;
  std::uint64_t next = 0;      // the first number behind those that are committed
  std::uint64_t left_out = 0;  // of the numbers before it, those that are not committed
};

struct SourceOptions {
  const std::atomic<bool>* interrupted = nullptr;
  const ResumedSeries* resumed = nullptr;  // files are read from their beginning all the same
  // Told at once, in words, of what is lost and of what is odd.
  std::function<void(const std::string&)> alarm;
};

// `source` is a path or an address. A stream is waited for until its first image is there, a
// resumed one need not have more. Of a resumed one, `killed` is a cause of loss: what came and was
// not committed, or went by while there was no edge. Raw frames come calibrated (recipe.calibrate).
// Errc::usage for constants that do not fit the frames, for a window (source.first, source.frames)
// that the source does not have, and for any window of a stream; Errc::interrupted.
Result<std::unique_ptr<FrameSource>> open_frames(const Recipe& recipe, const std::string& source,
                                                 const SourceOptions& options);

}  // namespace etalon
