#include "serve/metrics_server.hpp"

#include <httplib.h>

#include <charconv>
#include <thread>

namespace etalon {
namespace {

struct Place {
  std::string host = "127.0.0.1";
  int port = 0;
};

Result<Place> place_of(const std::string& address) {
  Place place;
  std::string port = address;
  if (const std::size_t colon = address.rfind(':'); colon != std::string::npos) {
    place.host = address.substr(0, colon);
    port = address.substr(colon + 1);
    if (place.host.size() > 2 && place.host.front() == '[' && place.host.back() == ']')
      place.host = place.host.substr(1, place.host.size() - 2);
    if (place.host == "*" || place.host.empty()) place.host = "0.0.0.0";
  }
  const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), place.port);
  if (wrong != std::errc() || end != port.data() + port.size() || place.port < 0 ||
      place.port > 65535)
    return Error{Errc::usage, address + ": must be HOST:PORT or PORT"};
  return place;
}

}  // namespace

struct MetricsServer::Impl {
  httplib::Server server;
  std::thread thread;
  std::string address;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MetricsServer::~MetricsServer() {
  impl_->server.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& address,
                                                            std::function<std::string()> text) {
  ETALON_ASSIGN(const Place place, place_of(address));
  auto impl = std::make_unique<Impl>();
  httplib::Server& server = impl->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  server.set_payload_max_length(1024);
  server.set_keep_alive_max_count(16);
  server.set_keep_alive_timeout(2);
  server.set_read_timeout(5);
  server.set_write_timeout(5);
  server.Get("/metrics", [text](const httplib::Request&, httplib::Response& response) {
    response.set_content(text(), "text/plain; version=0.0.4; charset=utf-8");
  });
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("Etalon. /metrics is for Prometheus.\n", "text/plain; charset=utf-8");
  });
  int port = place.port;
  const bool bound = port == 0 ? (port = server.bind_to_any_port(place.host)) > 0
                               : server.bind_to_port(place.host, port);
  if (!bound) return Error{Errc::io, address + ": cannot be bound for HTTP"};
  const bool v6 = place.host.find(':') != std::string::npos;
  impl->address = "http://" + (v6 ? "[" + place.host + "]" : place.host) + ":" +
                  std::to_string(port) + "/metrics";
  impl->thread = std::thread([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();  // stop() before that would be lost
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

const std::string& MetricsServer::address() const { return impl_->address; }

}  // namespace etalon
