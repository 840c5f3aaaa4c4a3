// The edge's end of the wire: what is sent arrives in order and exactly once, as long as the
// collector lives; with a spool, whatever dies.
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
#include <vector>

#include "base/posix.hpp"
#include "stream/latency.hpp"
#include "stream/message.hpp"
#include "stream/socket.hpp"
#include "stream/spool.hpp"

namespace etalon {

struct ShipperOptions {
  std::string address;                             // "tcp://host:port", "ipc:///path"
  std::chrono::milliseconds connect_limit{5000};   // for the collector's first answer
  std::chrono::milliseconds silence_limit{30000};  // without any word from the collector
  std::chrono::milliseconds resend_after{1000};    // without progress; doubles up to 8 times this
  std::size_t window = 32;                         // messages in memory
  unsigned streams = 1;                            // connections, used side by side
  // What is sent is in it before send() returns, and on the disk before it leaves for the
  // collector. The window is not what makes send() wait, but its limit. What it holds already is
  // sent first. It outlives the shipper, which alone uses it.
  Spool* spool = nullptr;
  std::optional<RunId> run;       // to go on with; none: a new one
  std::optional<CurveKeys> keys;  // none: in the clear
};

struct ShipperCounters {
  std::uint64_t messages = 0, bytes = 0;         // handed to send() and finish()
  std::uint64_t resent = 0;                      // messages sent again
  std::uint64_t spooled = 0;                     // messages that waited on the disk only
  std::map<std::string, std::uint64_t> ignored;  // messages from the collector, by cause
  Latencies latencies;  // from `since` to the collector's word that it is stored
};

// Protocol: connect (frame | vetoes)* finish confirm. One thread calls; a thread of its own talks
// to the collector. Memory is bounded by `window` messages. Errors are the collector's own where it
// gave one; Errc::io when it fell silent. With a spool its silence is an error only for a caller
// that must wait: because the spool is full, or for the end.
class Shipper {
 public:
  using Clock = std::chrono::steady_clock;

  // Says hello and waits for the answer: Errc::missing when no collector answers in time,
  // Errc::usage when one refuses our key.
  static Result<std::unique_ptr<Shipper>> connect(const ShipperOptions& options,
                                                  const Hello& hello);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  // Waits while there is no room. `since` is when the frame came in.
  Result<void> send(ShippedFrame frame, Clock::time_point since);
  Result<void> send(Vetoes vetoes);
  // Waits until the collector has stored everything and closed its file.
  Result<Done> finish(End end);
  // The same for an end that the spool holds.
  Result<Done> finish();
  // After finish(), where there is a spool: the collector's last word will not be asked for again.
  void confirm();
  // Tells the collector that nothing will follow, and why, when it has stored what was sent;
  // whether it has.
  bool abandon(const Error& why);

  // The collector wants no more frames: finish() soon.
  bool asked_to_stop() const;
  ShipperCounters counters() const;
  std::size_t unacknowledged() const;  // messages

 private:
  struct Outgoing {
    std::uint64_t sequence = 0;
    Bytes bytes;  // empty: only the spool has it
    Clock::time_point since;
    bool timed = false, sent = false, resent = false;
    std::size_t stream = 0;  // that it was sent on
  };

  explicit Shipper(const ShipperOptions& options) : options_(options) {}
  Result<std::vector<Socket>> open_streams();
  void load_spool();
  Result<void> enqueue(Message::Body body, std::optional<Clock::time_point> since);
  Result<void> make_room(std::unique_lock<std::mutex>& lock, std::size_t bytes);
  void work(std::vector<Socket> sockets, Bytes hello);
  // What the thread does each time it wakes.
  void step(std::unique_lock<std::mutex>& lock, std::vector<Socket>& sockets);
  void make_safe(std::unique_lock<std::mutex>& lock);
  void greet(std::vector<Socket>& sockets);
  void ping(std::vector<Socket>& sockets);
  void receive(Socket& socket);
  void handle(const Message& message);
  void handle(const Ack& ack);
  void transmit(std::vector<Socket>& sockets);
  bool transmit(std::vector<Socket>& sockets, Outgoing& out);
  void again(Outgoing& out);
  Error unanswered() const;
  Error silent() const;
  bool is_silent(Clock::time_point now) const;
  void fail(Error error);
  void wake() const;

  ShipperOptions options_;
  RunId run_;
  Fd wake_fd_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Outgoing> window_;
  std::vector<std::size_t> under_way_;  // messages on each stream that are not acknowledged
  std::uint64_t next_sequence_ = 1, limit_ = 0;  // limit 0: not welcomed yet
  bool stopping_ = false, greet_ = true, asked_to_stop_ = false, confirmed_ = false,
       bye_due_ = false;
  std::optional<Bytes> farewell_;
  std::optional<Error> failure_;
  std::optional<Done> done_;
  std::optional<Clock::time_point> waiting_;  // since when the caller has had to wait
  ShipperCounters counters_;
  Bytes hello_;
  std::string refusal_;  // until the collector has answered: why it may not
  Clock::time_point heard_, spoke_, progress_;
  std::chrono::milliseconds resend_after_{};
};

}  // namespace etalon
