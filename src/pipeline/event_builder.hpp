// Events: the parts of one frame, from several detectors, by its number, each within a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "frame/series.hpp"

namespace etalon {

// Pure: no threads, no sockets, and the time is told. Each detector's frames come in the order of
// their numbers.
class EventBuilder {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // An event may lack parts; it is whole when all are there.
  struct Event {
    std::uint64_t number = 0;
    Time since;  // when its first part came
    std::vector<std::optional<Frame>> parts;
    bool is_whole() const;
  };

  struct Accounts {
    std::uint64_t whole = 0, incomplete = 0;  // events
    std::uint64_t lacking = 0;                // parts of the incomplete ones
    std::vector<std::uint64_t> late, twice;   // parts, by detector: their event had gone on
  };

  EventBuilder(std::size_t detectors, std::chrono::milliseconds deadline);

  void add(std::size_t detector, Frame part, Time when);
  // Nothing more will come from it.
  void end(std::size_t detector);

  // The next event in the order of numbers: when all its parts are there, or those that are lacking
  // will not come any more (their detector has gone past it, has ended, or the deadline is over).
  std::optional<Event> take(Time now);
  // When take() may have something though nothing comes; none: not before something does.
  std::optional<Time> due() const;
  // Parts that wait.
  std::size_t waiting(std::size_t detector) const { return queues_[detector].parts.size(); }

  const Accounts& accounts() const { return accounts_; }

 private:
  struct Queue {
    std::deque<std::pair<Frame, Time>> parts;
    bool ended = false;
  };
  const Queue* first() const;  // the one whose next part has the lowest number

  std::vector<Queue> queues_;
  std::chrono::milliseconds deadline_;
  std::uint64_t next_ = 0;  // numbers before it have gone on
  Accounts accounts_;
};

}  // namespace etalon
