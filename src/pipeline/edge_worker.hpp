// What the edge does with one frame, on any thread: find, veto, audit, reduce.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "kernels/finder/finder.hpp"
#include "pipeline/edge.hpp"
#include "pipeline/fast_loop.hpp"
#include "pipeline/frame_source.hpp"
#include "pipeline/reduction.hpp"
#include "pipeline/veto.hpp"

namespace etalon {

// What became of one frame.
struct Outcome {
  Outcome(std::chrono::steady_clock::time_point when, Result<Frame> what)
      : since(when), frame(std::move(what)) {}

  std::chrono::steady_clock::time_point since;
  Result<Frame> frame;
  bool is_damaged = false;
  FrameSum raw_sum;
  std::vector<Peak> peaks;
  FrameFigures figures;
  std::string veto;                // empty: kept
  std::optional<bool> judged_hit;  // set: not kept, but audited
  std::vector<Peak> judged;        // the peaks that the judge found
  std::vector<FastAction> actions;
  std::chrono::nanoseconds decided{};  // from arrival until the fast rules had been followed
  Bytes chunk;                         // of a frame that is kept or audited
  std::optional<Error> failure;
  StageSeconds stages;
};

// What every worker does the same way.
struct EdgePlan {
  const Recipe& recipe;
  const Veto& veto;
  const Reduction& reduction;
  AuditDraw audited;
  FastLoop& fast;
};

// One per thread. The same frame gives the same outcome, whichever worker has it.
class EdgeWorker {
 public:
  EdgeWorker(const EdgePlan& plan, Finder finder, Finder judge)
      : plan_(plan), finder_(std::move(finder)), judge_(std::move(judge)) {}

  Outcome operator()(Arrival job);

 private:
  Result<void> search(Outcome& out);
  Result<void> audit(Outcome& out);

  const EdgePlan& plan_;
  Finder finder_, judge_;
  Reduction::Scratch scratch_;
};

}  // namespace etalon
