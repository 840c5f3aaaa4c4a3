#include "edge_display.hpp"

#include "base/text.hpp"
#include "serve/edge_metrics.hpp"

namespace etalon::cli {
namespace {

// "hits 29.8 %, 12.3 x, 512.0 MB/s, queue 4+7, lost 3"
std::string figures(const EdgeStatus& s) {
  std::uint64_t lost = 0;
  for (const auto& [cause, count] : s.lost) lost += count;
  const auto share = [](std::uint64_t a, std::uint64_t b) {
    return ratio(static_cast<double>(a), static_cast<double>(b));
  };
  char text[160];
  std::snprintf(
      text, sizeof text, "hits %.1f %%, %.1f x, %s/s, queue %llu+%llu, lost %llu",
      100 * share(s.kept, s.frames), share(s.raw_bytes, s.chunk_bytes),
      human_bytes(s.seconds > 0 ? static_cast<double>(s.raw_bytes) / s.seconds : 0).c_str(),
      static_cast<unsigned long long>(s.in_flight),
      static_cast<unsigned long long>(s.unacknowledged), static_cast<unsigned long long>(lost));
  return text;
}

}  // namespace

Result<std::unique_ptr<EdgeDisplay>> EdgeDisplay::open(const std::string& metrics) {
  std::unique_ptr<EdgeDisplay> display(new EdgeDisplay());
  if (metrics.empty()) return display;
  ETALON_ASSIGN(display->server_, MetricsServer::start(metrics, [raw = display.get()] {
                  const std::lock_guard lock(raw->mutex_);
                  return edge_metrics(raw->status_);
                }));
  note("metrics at " + display->server_->address());
  return display;
}

void EdgeDisplay::show(const EdgeStatus& status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  if (!progress_) progress_.emplace("frames", status.announced, "frames");
  progress_->update(status.frames, figures(status));
}

void EdgeDisplay::end() {
  const std::lock_guard lock(mutex_);
  progress_.reset();
}

void add_metrics(Command* command, std::string& address) {
  command->add_option("--metrics", address,
                      "Serve the run's figures to Prometheus at http://HOST:PORT/metrics while it "
                      "lasts; PORT alone: on this machine only");
}

}  // namespace etalon::cli
