// Rules on single frames, and what they do at once: docs/fast-loop.md.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/instrument.hpp"
#include "frame/series.hpp"
#include "pipeline/fast_action.hpp"
#include "pipeline/recipe.hpp"
#include "pipeline/veto.hpp"
#include "stream/publisher.hpp"

namespace etalon {

// Of the pixels that count. Saturated: at or above the series' saturation value (none where that is
// 0). Values that are not numbers count as nothing.
struct FrameStatistics {
  std::uint64_t good_pixels = 0, saturated_pixels = 0;
  double mean = 0, max = 0;
};
FrameStatistics frame_statistics(const ArrayView& image, const Mask& mask, double saturation_value);

// Thread-safe: any worker asks as soon as it knows a frame's figures.
class FastLoop {
 public:
  struct Options {
    std::string series;
    double saturation_value = 0;
    Instrument* instrument = nullptr;  // takes the actions as well; none: they are published only
    std::function<void(const std::string&)> alarm;  // an instrument that refuses
  };
  // Where the recipe wants actions to be published; waits fast.wait_s for a listener. None: it does
  // not. Opened before there are frames, so that listeners are there when these come.
  static Result<std::unique_ptr<Publisher>> open_publisher(
      const Recipe& recipe, const std::function<void(const std::string&)>& alarm);

  // Errc::usage for rules that the instrument does not know.
  static Result<std::unique_ptr<FastLoop>> create(const Recipe& recipe, const Mask& mask,
                                                  std::unique_ptr<Publisher> publisher,
                                                  const Options& options);

  bool has_rules() const { return !rules_.empty(); }
  // Rules rest after the actions that processes which were killed took. Before consider().
  void recall(const std::vector<FastAction>& actions);
  // The actions of the rules that hold for this frame, each published and applied. Errc::io when
  // publishing fails.
  Result<std::vector<FastAction>> consider(const Frame& frame, const std::vector<Peak>& peaks,
                                           const FrameFigures& figures,
                                           std::chrono::steady_clock::time_point since);

 private:
  struct Rule {
    RuleText text;
    Condition when;
    std::uint64_t hold_frames = 0;
    // The number that the rule rests up to; 0: it does not. Frames come in no strict order.
    std::unique_ptr<std::atomic<std::uint64_t>> rests_to;
  };
  FastLoop() = default;
  Metrics metrics_of(const Frame& frame, const std::vector<Peak>& peaks,
                     const FrameFigures& figures) const;
  void apply(const Action& action);

  Options options_;
  Mask mask_;
  std::vector<Rule> rules_;
  bool looks_at_pixels_ = false;
  std::unique_ptr<Publisher> publisher_;
  std::mutex instrument_mutex_;
};

}  // namespace etalon
