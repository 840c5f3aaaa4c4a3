// A running edge for whoever watches: one line on a terminal, and /metrics.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cli.hpp"
#include "pipeline/edge.hpp"
#include "serve/metrics_server.hpp"

namespace etalon::cli {

class EdgeDisplay {
 public:
  // `metrics`: an address for /metrics, said on standard error; empty: none.
  static Result<std::unique_ptr<EdgeDisplay>> open(const std::string& metrics);

  void show(const EdgeStatus& status);  // thread-safe
  void end();                           // the line goes; /metrics stays until destruction

 private:
  EdgeDisplay() = default;

  std::mutex mutex_;
  EdgeStatus status_;
  std::optional<Progress> progress_;
  std::unique_ptr<MetricsServer> server_;
};

// --metrics.
void add_metrics(Command* command, std::string& address);

}  // namespace etalon::cli
