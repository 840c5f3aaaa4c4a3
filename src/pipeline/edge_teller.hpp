// How a run stands, for whoever watches it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "pipeline/dispatch.hpp"
#include "pipeline/edge.hpp"

namespace etalon {

// Tells some twenty times a second, on a thread of its own: also while no frame comes, and however
// long the telling takes.
class EdgeTeller {
 public:
  EdgeTeller(const std::function<void(const EdgeStatus&)>& tell, const SeriesInfo& info,
             const Dispatch& dispatch);
  ~EdgeTeller() { end(); }

  // A frame is given to the workers. `lost` and `receive_s` are the source's.
  void read(std::map<std::string, std::uint64_t> lost, double receive_s);
  // A frame is in the books; before the first, those of processes that were killed.
  void taken(const EdgeReport& report);
  // Tells a last time. After it the dispatch is not looked at any more.
  void end();

 private:
  void run();
  EdgeStatus status() const;  // under the lock

  const std::function<void(const EdgeStatus&)>& tell_;
  const Dispatch& dispatch_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  EdgeStatus status_;
  std::uint64_t read_ = 0, taken_ = 0;
  double receive_s_ = 0;
  std::map<std::string, std::uint64_t> source_lost_;
  std::thread thread_;
};

}  // namespace etalon
