#include "pipeline/edge_teller.hpp"

#include <utility>

namespace etalon {

EdgeTeller::EdgeTeller(const std::function<void(const EdgeStatus&)>& tell, const SeriesInfo& info,
                       const Dispatch& dispatch)
    : tell_(tell), dispatch_(dispatch) {
  status_.series = info.name;
  status_.announced = info.frames;
  if (tell_) thread_ = std::thread(&EdgeTeller::run, this);
}

void EdgeTeller::run() {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, std::chrono::milliseconds(50), [&] { return is_over_; })) {
    const EdgeStatus now = status();
    lock.unlock();
    tell_(now);
    lock.lock();
  }
}

void EdgeTeller::end() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ended_.notify_all();
  thread_.join();
  tell_(status());
}

void EdgeTeller::read(std::map<std::string, std::uint64_t> lost, double receive_s) {
  if (!tell_) return;
  const std::lock_guard lock(mutex_);
  ++read_;
  source_lost_ = std::move(lost);
  receive_s_ = receive_s;
}

void EdgeTeller::taken(const EdgeReport& r) {
  if (!tell_) return;
  const std::lock_guard lock(mutex_);
  EdgeStatus& s = status_;
  if (r.frames != r.resumed) ++taken_;
  s.frames = r.frames;
  s.kept = r.kept;
  s.vetoed = r.vetoed;
  s.audited = r.audit.audited;
  s.audit_hits = r.audit.hits;
  s.lost = r.lost;
  s.raw_bytes = r.raw_bytes;
  s.raw_bytes_kept = r.raw_bytes_kept;
  s.chunk_bytes = r.chunk_bytes;
  s.actions = r.fast.actions;
  s.over_budget = r.fast.over_budget;
  s.stages = r.stages;
}

EdgeStatus EdgeTeller::status() const {
  EdgeStatus s = status_;
  for (const auto& [cause, count] : source_lost_) s.lost[cause] += count;
  s.in_flight = read_ - taken_;
  s.stages.receive += receive_s_;
  const ShipperCounters shipped = dispatch_.counters();
  s.unacknowledged = dispatch_.unacknowledged();
  s.resent = shipped.resent;
  s.latency_p50_ms = shipped.latencies.quantile_ms(0.5);
  s.latency_p99_ms = shipped.latencies.quantile_ms(0.99);
  s.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return s;
}

}  // namespace etalon
