// What an edge did, frame by frame in their order: shipped, and counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/alarms.hpp"
#include "pipeline/dispatch.hpp"
#include "pipeline/edge.hpp"
#include "pipeline/edge_worker.hpp"
#include "pipeline/frame_source.hpp"
#include "pipeline/reduction.hpp"

namespace etalon {

class EdgeBooks {
 public:
  EdgeBooks(const Recipe& recipe, const Reduction& reduction, Dispatch& dispatch,
            EdgeReport& report, const std::function<void(const std::string&)>& alarm)
      : recipe_(recipe),
        reduction_(reduction),
        dispatch_(dispatch),
        report_(report),
        alarms_(alarm) {}

  Result<void> take(Outcome out);
  // Sends the rows of vetoed frames gathered so far.
  Result<void> flush();

 private:
  Result<void> lose(Outcome out);
  Result<void> follow(const Outcome& out);
  Result<void> reject(Outcome out);

  const Recipe& recipe_;
  const Reduction& reduction_;
  Dispatch& dispatch_;
  EdgeReport& report_;
  Alarms alarms_;
  Vetoes rows_;
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
};

// What processes that were killed committed counts as this one's.
void recall(const std::vector<FrameFacts>& committed, const SeriesInfo& info, EdgeReport& report);

// What never came counts as received by the series, and lost. Of an interrupted one, what was not
// waited for does not.
void account_for(const FrameSource& source, EdgeReport& report);

}  // namespace etalon
