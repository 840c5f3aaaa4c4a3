// How a run stands, for whoever watches it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "pipeline/dispatch.hpp"
#include "pipeline/edge.hpp"

namespace etalon {

// Tells how the run stands, some twenty times a second.
class EdgeTeller {
 public:
  EdgeTeller(const std::function<void(const EdgeStatus&)>& tell, const SeriesInfo& info)
      : tell_(tell) {
    status_.series = info.name;
    status_.announced = info.frames;
  }

  // On the thread that reads.
  void read(std::uint64_t given, std::map<std::string, std::uint64_t> lost, double receive_s) {
    if (!tell_) return;
    const std::lock_guard lock(mutex_);
    given_ = given;
    source_lost_ = std::move(lost);
    status_.stages.receive = receive_s;
  }
  // On the thread that takes.
  void taken(const EdgeReport& report, const Dispatch& dispatch, bool at_the_end);

 private:
  const std::function<void(const EdgeStatus&)>& tell_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_;
  std::mutex mutex_;
  EdgeStatus status_;
  std::uint64_t given_ = 0;
  std::map<std::string, std::uint64_t> source_lost_;
};

}  // namespace etalon
