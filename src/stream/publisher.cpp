#include "stream/publisher.hpp"

#include "base/bytes.hpp"

namespace etalon {

Result<std::unique_ptr<Publisher>> Publisher::bind(const std::string& address) {
  Socket::Options options;
  options.queued = 1000;
  ETALON_ASSIGN(Socket socket, Socket::bind(address, options, Socket::Kind::publish));
  return std::unique_ptr<Publisher>(new Publisher(std::move(socket)));
}

Result<bool> Publisher::wait_for_listener(std::chrono::milliseconds limit) {
  const std::lock_guard lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    ETALON_ASSIGN(const auto packet, socket_.receive());  // a subscription begins with 1
    if (packet && !packet->bytes.bytes.empty() && packet->bytes.bytes[0] == std::byte{1})
      return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    ETALON_TRY(socket_.wait(left));
  }
}

Result<void> Publisher::publish(std::string_view text) {
  const std::lock_guard lock(mutex_);
  // Who subscribes and leaves says so, and it would be kept until it is taken.
  for (bool more = true; more;) {
    ETALON_ASSIGN(const auto said, socket_.receive());
    more = said.has_value();
  }
  ETALON_TRY(socket_.send(bytes_of(text)));
  return {};
}

}  // namespace etalon
