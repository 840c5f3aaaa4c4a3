// The centre's end of the wire: hands out what one edge sent, in order and each message once, and
// acknowledges it when the caller says that it is safe.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "stream/message.hpp"
#include "stream/socket.hpp"

namespace etalon {

struct ReceiverOptions {
  std::string address;                             // "tcp://*:5601"; port * or 0: any free one
  std::chrono::milliseconds silence_limit{30000};  // without a word from an edge that said hello
  std::size_t window = 32;                         // messages on their way: bounds our memory
  std::size_t max_message = std::size_t{1} << 28;  // bytes
  std::optional<CurveKeys> keys;                   // none: in the clear
};

struct ReceiverCounters {
  std::uint64_t messages = 0, bytes = 0;         // handed out
  std::map<std::string, std::uint64_t> dropped;  // by cause: "malformed", "duplicate", ...
};

// Protocol: bind (next (take | accept)?)* ; one thread. Every message that next() hands out must be
// taken or accepted, before the next one is asked for, or rejected.
class Receiver {
 public:
  static Result<Receiver> bind(const ReceiverOptions& options);

  const std::string& address() const { return socket_.address(); }

  // Hello first, then ShippedFrame, Vetoes and End in the order of the edge, or its Failure.
  // Nothing when `limit` passed; Errc::io when the edge fell silent.
  Result<std::optional<Message>> next(std::chrono::milliseconds limit);
  // What next() handed out last, as it came.
  ByteSpan bytes() const { return bytes_.bytes; }
  // Goes on with a run that a killed collector began: `next` is the first message that is not safe
  // here. Before the first next().
  void resume(const RunId& run, std::uint64_t next);
  // Whether the edge of the run has said anything.
  bool heard() const { return !peers_.empty(); }
  // What next() handed out last is to be made safe with what follows: the edge keeps it.
  Result<void> take();
  // All that was handed out is safe: the edge need not keep it.
  Result<void> accept();
  std::size_t window() const { return options_.window; }
  // Tells the edge that what next() handed out last is being worked on. To be called often where
  // that takes longer than the edge's silence_limit; speaks twice a second at most.
  void keep_waiting();
  // The answer to End, or the reason why there is none; both end the run. Later calls of next()
  // repeat the answer to an edge that missed it.
  void done(const Done& done);
  void reject(const Error& why);
  // After done(): repeats the answer until the edge says that it has it; false when `limit` passes
  // first.
  bool see_off(std::chrono::milliseconds limit);

  // Asks the edge for an early End, which still comes after what is on its way.
  void ask_to_stop();

  ReceiverCounters counters() const;

 private:
  using Clock = std::chrono::steady_clock;
  Receiver(const ReceiverOptions& options, Socket socket)
      : options_(options), socket_(std::move(socket)) {}

  // The message when it is one to hand out.
  std::optional<Message> sort(Socket::Packet packet);
  std::optional<Message> sort_data(Message message, SharedBytes bytes);
  std::optional<Message> hand_out(Message message, SharedBytes bytes);
  void ask_for_missing();
  void acknowledge(bool resend = false);
  void answer(const Message::Body& body);
  void refuse(const Socket::Packet& packet, const RunId& run, const std::string& reason);

  ReceiverOptions options_;
  Socket socket_;
  ReceiverCounters counters_;
  bool open_ = false, welcomed_ = false, handed_out_ = false, ended_ = false, stop_ = false,
       seen_off_ = false;
  bool resumed_ = false;                 // and the edge does not know yet
  std::optional<Message::Body> answer_;  // that ended the run
  RunId run_;
  std::set<std::string> peers_;  // connections of the edge
  Bytes peer_;                   // the one that spoke last
  SharedBytes bytes_;
  std::uint64_t expected_ = 1;                  // what is to be handed out next
  std::uint64_t safe_ = 1;                      // what is not accepted begins here
  std::map<std::uint64_t, SharedBytes> early_;  // before their turn; at most a window
  std::uint64_t asked_again_ = 0;               // the message that was asked for, to ask once
  Clock::time_point heard_, asked_at_;
};

}  // namespace etalon
