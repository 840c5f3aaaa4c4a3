// A stored series against its reduction, frame by frame.
#pragma once

#include <atomic>
#include <functional>

#include "analyse/science.hpp"
#include "store/series_reader.hpp"

namespace etalon {

struct SeriesJudgement {
  ScienceSettings settings;
  const PlaceTable* predicted = nullptr;        // by the raw series' frame numbers; none: not given
  unsigned threads = 1;                         // 0: one per hardware thread
  std::function<void(std::uint64_t)> progress;  // raw frames done so far
  const std::atomic<bool>* stop = nullptr;      // ends with Errc::interrupted when true
};

// `geometry` and `mask` are those of the raw images and hold for both. A reduction that keeps the
// numbers its frames had may have left some out; any other has every frame, in order. Errc::check
// where frames do not meet, naming the reduction. Four frames a thread are in memory; the result
// does not depend on the threads.
Result<ScienceReport> judge_series(SeriesReader& raw, SeriesReader& reduced,
                                   const Geometry& geometry, const Mask& mask,
                                   const SeriesJudgement& how);

}  // namespace etalon
