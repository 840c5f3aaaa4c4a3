#include "jobs/queue.hpp"

#include <algorithm>

namespace etalon::jobs {

QueueOrders schedule(const std::vector<QueueEntry>& entries, const QueueLimits& limits) {
  const auto started = [&](bool urgent) {
    return std::count_if(entries.begin(), entries.end(),
                         [urgent](const QueueEntry& e) { return e.urgent == urgent && e.started; });
  };
  const bool demand =
      std::any_of(entries.begin(), entries.end(), [](const QueueEntry& e) { return e.urgent; });
  auto urgent_left = static_cast<std::ptrdiff_t>(limits.urgent_slots) - started(true);
  auto slots_left = demand ? 0 : static_cast<std::ptrdiff_t>(limits.slots) - started(false);

  QueueOrders orders;
  for (const QueueEntry& entry : entries) {
    if (entry.started) {
      if (entry.urgent || entry.suspended == demand) continue;
      (demand ? orders.suspend : orders.resume).push_back(entry.id);
    } else if ((entry.urgent ? urgent_left : slots_left) > 0) {
      --(entry.urgent ? urgent_left : slots_left);
      orders.start.push_back(entry.id);
    }
  }
  return orders;
}

}  // namespace etalon::jobs
