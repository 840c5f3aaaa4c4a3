#include "stream/receiver.hpp"

#include <algorithm>

namespace etalon {

using std::chrono::milliseconds;

Result<Receiver> Receiver::bind(const ReceiverOptions& options) {
  if (options.window == 0) return Error{Errc::usage, "ship.window: must be at least 1"};
  Socket::Options socket_options;
  socket_options.queued = options.window + 16;
  socket_options.max_message = options.max_message;
  ETALON_ASSIGN(Socket socket, Socket::bind(options.address, socket_options));
  return Receiver(options, std::move(socket));
}

Result<std::optional<Message>> Receiver::next(milliseconds limit) {
  const auto until = Clock::now() + limit;
  for (;;) {
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
  auto decoded = decode_message(packet.bytes);
  if (!decoded.ok()) {
    ++counters_.dropped["malformed"];
    return {};
  }
  Message& message = *decoded;
  const bool hello = std::holds_alternative<Hello>(message.body);
  if (!open_ && hello) {
    open_ = true;
    run_ = message.run;
    peer_ = std::move(packet.peer);
    heard_ = Clock::now();
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
  peer_ = std::move(packet.peer);
  heard_ = Clock::now();
  if (std::holds_alternative<Bye>(message.body)) {
    seen_off_ = answer_.has_value();
    return {};
  }
  if (answer_) {
    answer(*answer_);
    return {};
  }
  if (hello || std::holds_alternative<Ping>(message.body)) {
    if (welcomed_) acknowledge();
    return {};
  }
  if (std::holds_alternative<Failure>(message.body)) {
    ended_ = true;
    return std::move(message);
  }
  if (message.body.index() > 3) {
    ++counters_.dropped["not for a collector"];
    return {};
  }
  if (!welcomed_ || message.sequence >= expected_ + options_.window) {
    ++counters_.dropped["beyond its credit"];
    return {};
  }
  if (message.sequence < expected_) {
    ++counters_.dropped["duplicate"];
    acknowledge();
    return {};
  }
  if (message.sequence > expected_) {
    ++counters_.dropped["out of order"];
    if (asked_again_ != expected_ || heard_ - asked_at_ > milliseconds(200)) {
      asked_again_ = expected_;
      asked_at_ = heard_;
      acknowledge(true);
    }
    return {};
  }
  ++counters_.messages;
  counters_.bytes += packet.bytes.size();
  return std::move(message);
}

Result<void> Receiver::accept() {
  if (!open_) return Error{Errc::usage, "Receiver: nothing to accept"};
  if (welcomed_) ++expected_;
  welcomed_ = true;
  acknowledge();
  return {};
}

void Receiver::keep_waiting() {
  if (welcomed_ && !ended_ && Clock::now() - heard_ > milliseconds(500)) acknowledge();
}

void Receiver::acknowledge(bool resend) {
  answer(Ack{expected_, expected_ + options_.window, resend, stop_});
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
  if (open_) answer(*answer_);
}

}  // namespace etalon
