// The edge's end of the wire: what is sent arrives in order and exactly once, as long as the
// collector lives.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/posix.hpp"
#include "stream/latency.hpp"
#include "stream/message.hpp"
#include "stream/socket.hpp"

namespace etalon {

struct ShipperOptions {
  std::string address;                             // "tcp://host:port", "ipc:///path"
  std::chrono::milliseconds connect_limit{5000};   // for the collector's first answer
  std::chrono::milliseconds silence_limit{30000};  // without any word from the collector
  std::chrono::milliseconds resend_after{1000};    // without progress; doubles up to 8 times this
  std::size_t window = 32;                         // messages that are not yet acknowledged
};

struct ShipperCounters {
  std::uint64_t messages = 0, bytes = 0;         // sent for the first time
  std::uint64_t resent = 0;                      // messages sent again
  std::map<std::string, std::uint64_t> ignored;  // messages from the collector, by cause
  Latencies latencies;  // from `since` to the collector's word that it is stored
};

// Protocol: connect (frame | vetoes)* finish. One thread calls; a thread of its own talks to the
// collector. Memory is bounded by `window` messages. Errors are the collector's own where it gave
// one; Errc::io when it fell silent.
class Shipper {
 public:
  using Clock = std::chrono::steady_clock;

  // Says hello and waits for the answer: Errc::missing when no collector answers in time.
  static Result<std::unique_ptr<Shipper>> connect(const ShipperOptions& options,
                                                  const Hello& hello);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  // Waits while the window is full. `since` is when the frame came in.
  Result<void> send(ShippedFrame frame, Clock::time_point since);
  Result<void> send(Vetoes vetoes);
  // Waits until the collector has stored everything and closed its file.
  Result<Done> finish(End end);
  // Tells the collector that nothing will follow, and why.
  void abandon(const Error& why);

  // The collector wants no more frames: finish() soon.
  bool asked_to_stop() const;
  ShipperCounters counters() const;
  std::size_t unacknowledged() const;  // messages

 private:
  struct Outgoing {
    std::uint64_t sequence = 0;
    Bytes bytes;
    Clock::time_point since;
    bool timed = false, sent = false, resent = false;
  };

  explicit Shipper(const ShipperOptions& options) : options_(options) {}
  Result<void> enqueue(Message::Body body, std::optional<Clock::time_point> since);
  void work(Socket socket, Bytes hello);
  void step(Socket& socket);  // what the thread does each time it wakes
  void receive(Socket& socket);
  void handle(const Message& message);
  void handle(const Ack& ack);
  void transmit(Socket& socket);
  void fail(Error error);
  void wake() const;

  ShipperOptions options_;
  RunId run_;
  Fd wake_fd_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Outgoing> window_;
  std::uint64_t next_sequence_ = 1, limit_ = 0;  // limit 0: not welcomed yet
  bool stopping_ = false, greet_ = true, asked_to_stop_ = false, bye_due_ = false;
  std::optional<Bytes> farewell_;
  std::optional<Error> failure_;
  std::optional<Done> done_;
  ShipperCounters counters_;
  Bytes hello_;
  Clock::time_point heard_, spoke_, progress_;
  std::chrono::milliseconds resend_after_{};
};

}  // namespace etalon
