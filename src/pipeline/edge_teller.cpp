#include "pipeline/edge_teller.hpp"

#include <algorithm>

namespace etalon {

void EdgeTeller::taken(const EdgeReport& r, const Dispatch& dispatch, bool at_the_end) {
  const auto now = std::chrono::steady_clock::now();
  if (!tell_ || (!at_the_end && now - last_ < std::chrono::milliseconds(50))) return;
  last_ = now;
  const ShipperCounters shipped = dispatch.counters();
  EdgeStatus s;
  {
    const std::lock_guard lock(mutex_);
    s = status_;
    s.lost = source_lost_;
    s.in_flight = given_ - std::min(given_, r.frames);
  }
  s.frames = r.frames;
  s.kept = r.kept;
  s.vetoed = r.vetoed;
  s.audited = r.audit.audited;
  s.audit_hits = r.audit.hits;
  for (const auto& [cause, n] : r.lost) s.lost[cause] = n;
  s.raw_bytes = r.raw_bytes;
  s.raw_bytes_kept = r.raw_bytes_kept;
  s.chunk_bytes = r.chunk_bytes;
  s.actions = r.fast.actions;
  s.over_budget = r.fast.over_budget;
  s.unacknowledged = dispatch.unacknowledged();
  s.resent = shipped.resent;
  s.latency_p50_ms = shipped.latencies.quantile_ms(0.5);
  s.latency_p99_ms = shipped.latencies.quantile_ms(0.99);
  const double receive_s = s.stages.receive;
  s.stages = r.stages;
  s.stages.receive += receive_s;
  s.seconds = std::chrono::duration<double>(now - start_).count();
  tell_(s);
}

}  // namespace etalon
