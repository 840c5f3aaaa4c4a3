// Words to whoever listens: a ZeroMQ (X)PUB socket. Nobody listening is no error, and a listener
// that is too slow loses messages (those beyond 1000 that wait for it), not the run.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "stream/socket.hpp"

namespace etalon {

class Publisher {
 public:
  // Errc::usage for an address that ZeroMQ does not understand, Errc::io when it cannot be bound.
  static Result<std::unique_ptr<Publisher>> bind(const std::string& address);

  const std::string& address() const { return socket_.address(); }
  // Until somebody listens, or the time is over; whether somebody does.
  Result<bool> wait_for_listener(std::chrono::milliseconds limit);
  Result<void> publish(std::string_view text);  // thread-safe

 private:
  explicit Publisher(Socket socket) : socket_(std::move(socket)) {}

  std::mutex mutex_;  // a socket may be used by many threads, one after the other
  Socket socket_;
};

}  // namespace etalon
