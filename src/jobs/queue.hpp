// Who runs: the demand queue's rule, as a pure function of the jobs that have not ended.
#pragma once

#include <cstdint>
#include <vector>

namespace etalon::jobs {

struct QueueEntry {
  std::uint64_t id = 0;
  bool urgent = false;
  bool started = false;    // a supervisor exists or is being made
  bool suspended = false;  // the last order given was to suspend
};

struct QueueLimits {
  unsigned slots = 1;         // background jobs started and not ended, suspended ones included
  unsigned urgent_slots = 1;  // urgent jobs at once
};

struct QueueOrders {
  std::vector<std::uint64_t> suspend, start, resume;  // to be done in this order
};

// Urgent jobs start in order while urgent_slots last. As long as one runs or waits, every started
// background job is suspended and none starts; else all resume and queued ones start in order while
// slots last. `entries` are in order of submission.
QueueOrders schedule(const std::vector<QueueEntry>& entries, const QueueLimits& limits);

}  // namespace etalon::jobs
