#include "stream/receiver.hpp"

#include <algorithm>
#include <utility>

namespace etalon {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds patience{100};  // of several connections, one may be slower
constexpr milliseconds ask_again{250};
constexpr std::size_t most_asked = 256;

}  // namespace

Result<Receiver> Receiver::bind(const ReceiverOptions& options) {
  if (options.window == 0) return Error{Errc::usage, "ship.window: must be at least 1"};
  Socket::Options socket_options;
  socket_options.queued = options.window + 16;
  socket_options.max_message = options.max_message;
  socket_options.keys = options.keys;
  ETALON_ASSIGN(Socket socket, Socket::bind(options.address, socket_options));
  return Receiver(options, std::move(socket));
}

Result<std::optional<Message>> Receiver::next(milliseconds limit) {
  const auto until = Clock::now() + limit;
  for (;;) {
    if (const auto turn = early_.find(expected_); turn != early_.end()) {
      SharedBytes bytes = std::move(turn->second);
      early_.erase(turn);
      ETALON_ASSIGN(Message message, decode_message(bytes.bytes));
      return hand_out(std::move(message), std::move(bytes));
    }
    ETALON_ASSIGN(std::optional<Socket::Packet> packet, socket_.receive());
    if (packet) {
      if (auto message = sort(std::move(*packet))) return message;
      continue;
    }
    const auto now = Clock::now();
    if (open_ && !ended_ && now - heard_ > options_.silence_limit)
      return Error{Errc::io, address() + ": connection lost: no word from the edge for " +
                                 std::to_string(options_.silence_limit.count() / 1000) + " s"};
    if (now >= until) return std::optional<Message>();
    const auto left = std::chrono::duration_cast<milliseconds>(until - now) + milliseconds(1);
    ETALON_TRY(socket_.wait(std::min(left, milliseconds(100))));
  }
}

std::optional<Message> Receiver::sort(Socket::Packet packet) {
  if (packet.parts != 1) {
    ++counters_.dropped["not one part"];
    return {};
  }
  auto decoded = decode_message(packet.bytes.bytes);
  if (!decoded.ok()) {
    ++counters_.dropped["malformed"];
    return {};
  }
  Message& message = *decoded;
  const bool hello = std::holds_alternative<Hello>(message.body);
  if (!open_ && hello) {
    open_ = true;
    run_ = message.run;
    peers_.emplace(text_of(packet.peer));
    peer_ = std::move(packet.peer);
    bytes_ = std::move(packet.bytes);
    heard_ = Clock::now();
    handed_out_ = true;
    return std::move(message);
  }
  if (!open_) {
    ++counters_.dropped["before hello"];
    if (!std::holds_alternative<Ping>(message.body))
      refuse(packet, message.run, "this run is not known here: the collector was started anew");
    return {};
  }
  if (message.run != run_) {
    ++counters_.dropped["of another run"];
    refuse(packet, message.run, "busy with another run");
    return {};
  }
  peers_.emplace(text_of(packet.peer));
  peer_ = std::move(packet.peer);
  heard_ = Clock::now();
  if (std::exchange(resumed_, false)) acknowledge(true);
  if (std::holds_alternative<Bye>(message.body)) {
    seen_off_ = answer_.has_value();
    return {};
  }
  if (answer_) {
    answer(*answer_);
    return {};
  }
  if (hello || std::holds_alternative<Ping>(message.body)) {
    if (welcomed_ && !early_.empty()) ask_for_missing();
    if (welcomed_) acknowledge();
    return {};
  }
  if (std::holds_alternative<Failure>(message.body)) {
    ended_ = true;
    return std::move(message);
  }
  return sort_data(std::move(message), std::move(packet.bytes));
}

std::optional<Message> Receiver::sort_data(Message message, SharedBytes bytes) {
  const std::uint64_t sequence = message.sequence;
  if (message.body.index() > 3) {
    ++counters_.dropped["not for a collector"];
  } else if (!welcomed_ || sequence >= expected_ + options_.window) {
    ++counters_.dropped["beyond its credit"];
  } else if (sequence < expected_ || early_.contains(sequence)) {
    ++counters_.dropped["duplicate"];
    acknowledge();
  } else if (sequence > expected_) {
    early_.emplace(sequence, std::move(bytes));
    ask_for_missing();
  } else {
    return hand_out(std::move(message), std::move(bytes));
  }
  return {};
}

std::optional<Message> Receiver::hand_out(Message message, SharedBytes bytes) {
  ++counters_.messages;
  counters_.bytes += bytes.bytes.size();
  bytes_ = std::move(bytes);
  handed_out_ = true;
  return message;
}

// On one connection a gap is a loss, and is asked for at once; several overtake each other.
void Receiver::ask_for_missing() {
  const bool first = asked_again_ != expected_;
  if (first) {
    asked_again_ = expected_;
    asked_at_ = heard_;
  }
  const bool due = first ? peers_.size() == 1 : heard_ - asked_at_ > patience;
  if (!due) return;
  Ack ack{safe_, safe_ + options_.window, false, stop_, {}};
  for (std::uint64_t n = expected_; n < early_.rbegin()->first; ++n)
    if (!early_.contains(n) && ack.missing.size() < most_asked) ack.missing.push_back(n);
  answer(ack);
  asked_at_ = heard_ + ask_again;
}

void Receiver::resume(const RunId& run, std::uint64_t next) {
  open_ = welcomed_ = resumed_ = true;
  run_ = run;
  expected_ = safe_ = next;
  heard_ = Clock::now();
}

ReceiverCounters Receiver::counters() const {
  ReceiverCounters counters = counters_;
  if (socket_.strangers() != 0) counters.dropped["key not known"] = socket_.strangers();
  return counters;
}

Result<void> Receiver::take() {
  if (!std::exchange(handed_out_, false)) return Error{Errc::usage, "Receiver: nothing to take"};
  if (welcomed_) ++expected_;
  welcomed_ = true;
  return {};
}

Result<void> Receiver::accept() {
  if (handed_out_) ETALON_TRY(take());
  if (!welcomed_) return Error{Errc::usage, "Receiver: nothing to accept"};
  safe_ = expected_;
  acknowledge();
  return {};
}

void Receiver::keep_waiting() {
  if (welcomed_ && !ended_ && heard() && Clock::now() - heard_ > milliseconds(500)) acknowledge();
}

void Receiver::acknowledge(bool resend) {
  answer(Ack{safe_, safe_ + options_.window, resend, stop_, {}});
}

void Receiver::ask_to_stop() {
  stop_ = true;
  if (welcomed_) acknowledge();
}

// An answer that cannot be delivered is as good as one lost on the way: the edge asks again.
void Receiver::answer(const Message::Body& body) {
  heard_ = Clock::now();  // time spent in storing is not the edge's silence
  (void)socket_.send(encode_message({run_, 0, body}), peer_);
}

void Receiver::refuse(const Socket::Packet& packet, const RunId& run, const std::string& reason) {
  (void)socket_.send(encode_message({run, 0, Failure{Errc::io, reason}}), packet.peer);
}

void Receiver::done(const Done& done) {
  ended_ = true;
  answer_ = done;
  answer(done);
}

bool Receiver::see_off(milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (!seen_off_ && Clock::now() < until)
    if (!next(milliseconds(10)).ok()) break;
  return seen_off_;
}

void Receiver::reject(const Error& why) {
  ended_ = true;
  answer_ = Failure{why.code, why.message};
  if (heard()) answer(*answer_);
}

}  // namespace etalon
