// Settings of the codec tried on a sample of a series: what they take and what they do to the
// science.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "analyse/science.hpp"
#include "etalon/codec.hpp"
#include "store/series_reader.hpp"

namespace etalon {

struct TrialSetting {
  Bound bound;
  bool dither = false;
  bool peaks = false;    // the peaks that the finder finds in the raw frame are lossless squares
  std::size_t half = 4;  // of side 2 half + 1
};

struct TrialOutcome {
  TrialSetting setting;
  std::uint64_t raw_bytes = 0, bytes = 0;  // of the sample's frames and of their container
  ScienceReport report;

  double ratio() const { return static_cast<double>(raw_bytes) / static_cast<double>(bytes); }
};

struct TrialSample {
  std::vector<std::uint64_t> frames;  // indices to try on, in order
  Geometry geometry;
  Mask mask;  // of the finder; the codec's hint, too
  ScienceSettings settings;
  const PlaceTable* predicted = nullptr;  // none: not given
  // More regions of a frame; peaks come after them, and win. Called from any thread.
  std::function<Result<std::vector<Region>>(std::uint64_t frame, const ArrayView& image)> regions;
  std::uint64_t seed = 0;  // of the dither, as `etalon compress` takes it
  unsigned threads = 1;    // 0: one per hardware thread
  const std::atomic<bool>* stop = nullptr;
};

// Frames are read again for every setting, so that memory does not grow with the sample: four
// frames a thread are in it. Results do not depend on the threads.
class Trials {
 public:
  // Looks at the sample's raw frames. `progress` is called with the number of frames done.
  static Result<Trials> create(SeriesReader& series, TrialSample sample,
                               const std::function<void(std::uint64_t)>& progress = {});
  ~Trials();
  Trials(Trials&&) noexcept;
  Trials& operator=(Trials&&) noexcept;

  // Encodes, decodes and judges the sample, each frame a chunk.
  Result<TrialOutcome> run(const TrialSetting& setting,
                           const std::function<void(std::uint64_t)>& progress = {});

 private:
  struct Impl;
  explicit Trials(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `count` of `frames` indices at equal distances, the first of them 0; all where count is 0 or more
// than there are.
std::vector<std::uint64_t> spread_frames(std::uint64_t frames, std::uint64_t count);

}  // namespace etalon
