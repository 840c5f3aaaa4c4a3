// GET /metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "etalon/result.hpp"

namespace etalon {

// Listens until it is destroyed. `text` is called on a thread of the server's for each request.
class MetricsServer {
 public:
  // "HOST:PORT", "[IPV6]:PORT" or "PORT" of 127.0.0.1; port 0: any free one. Errc::usage for what
  // is no address, Errc::io when it cannot be bound.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& address,
                                                      std::function<std::string()> text);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  const std::string& address() const;  // "http://127.0.0.1:9464/metrics"

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
