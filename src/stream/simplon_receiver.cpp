#include "stream/simplon_receiver.hpp"

#include <utility>

#include "base/stopwatch.hpp"

namespace etalon {

Result<SimplonReceiver> SimplonReceiver::open(const SimplonReceiverOptions& options) {
  Socket::Options wire;
  wire.queued = options.queued;
  wire.linger = std::chrono::milliseconds(0);
  ETALON_ASSIGN(Socket socket, options.bind
                                   ? Socket::bind(options.address, wire, Socket::Kind::pull)
                                   : Socket::connect(options.address, wire, Socket::Kind::pull));
  return SimplonReceiver(options, std::move(socket));
}

bool SimplonReceiver::is_over(std::chrono::steady_clock::duration quiet) const {
  const bool is_ending = series_.ended() || series_.superseded();
  if (series_.whole() || (is_ending && quiet >= options_.settle)) return true;
  if (options_.waits_for_first && series_.accounts().images == 0) return false;
  return options_.silence_limit.count() > 0 && quiet >= options_.silence_limit;
}

Result<std::optional<SimplonImage>> SimplonReceiver::next() {
  while (true) {
    if (auto image = series_.next()) return image;
    if (over_) return std::optional<SimplonImage>();
    if (options_.interrupted != nullptr && options_.interrupted->load()) {
      over_ = true;
      series_.finish();
      continue;
    }
    ETALON_ASSIGN(const auto packet, socket_.receive());
    const auto now = std::chrono::steady_clock::now();
    if (packet) {
      last_ = now;
      const Stopwatch watch(busy_s_);
      series_.take(packet->parts == 1 ? packet->bytes : SharedBytes());  // none has parts
    } else if (is_over(now - last_)) {
      over_ = true;
      series_.finish();
    } else {
      ETALON_TRY(socket_.wait(std::chrono::milliseconds(50)));
    }
  }
}

}  // namespace etalon
