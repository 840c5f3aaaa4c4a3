// What a shipper's own thread does: all that touches the sockets.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "stream/shipper.hpp"

namespace etalon {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds tick{100};         // of the thread when nothing happens
constexpr milliseconds ping_after{1000};  // of silence on our side
constexpr milliseconds greet_again{500};

}  // namespace

void Shipper::fail(Error error) {
  if (!failure_ && !done_) failure_ = std::move(error);
  changed_.notify_all();
}

void Shipper::work(std::vector<Socket> sockets, Bytes hello) {
  hello_ = std::move(hello);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (stopping_) {
        if (farewell_) (void)sockets.front().send(*farewell_);
        if (bye_due_) (void)sockets.front().send(encode_message({run_, 0, Bye{}}));
        if (limit_ == 0 || failure_)
          for (Socket& socket : sockets) socket.forget();
        return;
      }
      step(lock, sockets);
    }
    if (auto waited = Socket::wait(sockets, tick, wake_fd_.get()); !waited.ok()) {
      const std::lock_guard lock(mutex_);
      fail(std::move(waited).error());
    }
    std::uint64_t count;
    while (::read(wake_fd_.get(), &count, sizeof count) > 0) {
    }
  }
}

bool Shipper::is_silent(Clock::time_point now) const {
  auto since = heard_;
  if (options_.spool != nullptr) {
    if (!waiting_) return false;
    since = std::max(since, *waiting_);
  }
  return now - since > options_.silence_limit;
}

void Shipper::step(std::unique_lock<std::mutex>& lock, std::vector<Socket>& sockets) {
  for (Socket& socket : sockets) receive(socket);
  if (std::exchange(bye_due_, false)) (void)sockets.front().send(encode_message({run_, 0, Bye{}}));
  if (failure_ || done_) return;
  if (options_.spool != nullptr) make_safe(lock);
  if (failure_) return;
  if (limit_ == 0) return greet(sockets);
  const auto now = Clock::now();
  if (is_silent(now)) return fail(silent());
  if (!window_.empty() && window_.front().sent && now - progress_ > resend_after_) {
    for (Outgoing& out : window_) again(out);
    progress_ = now;
    resend_after_ = std::min(resend_after_ * 2, options_.resend_after * 8);
  }
  transmit(sockets);
  if (now - spoke_ > ping_after) ping(sockets);
}

// One wait for the disk serves all messages that came during the wait before.
void Shipper::make_safe(std::unique_lock<std::mutex>& lock) {
  const Spool::Point point = options_.spool->point();
  if (point.next == options_.spool->safe()) return;
  lock.unlock();
  auto synced = options_.spool->sync(point);
  lock.lock();
  if (synced.ok())
    options_.spool->synced(point);
  else
    fail(std::move(synced).error());
}

void Shipper::greet(std::vector<Socket>& sockets) {
  const auto now = Clock::now();
  refusal_ = sockets.front().refusal();
  if (sockets.front().is_refused())
    return fail({Errc::usage, options_.address + ": collector: " + refusal_});
  if (!greet_ && now - spoke_ <= greet_again) return;
  if (auto sent = sockets.front().send(hello_); !sent.ok()) fail(std::move(sent).error());
  greet_ = false;
  spoke_ = now;
}

void Shipper::ping(std::vector<Socket>& sockets) {
  for (Socket& socket : sockets)
    if (auto sent = socket.send(encode_message({run_, 0, Ping{}})); !sent.ok())
      fail(std::move(sent).error());
  spoke_ = Clock::now();
}

void Shipper::transmit(std::vector<Socket>& sockets) {
  for (Outgoing& out : window_) {
    if (out.sequence >= limit_) break;
    if (options_.spool != nullptr && out.sequence >= options_.spool->safe()) break;
    if (!out.sent && !transmit(sockets, out)) break;
  }
}

// On the stream with the fewest messages under way: one that is stuck gathers them, and is avoided.
bool Shipper::transmit(std::vector<Socket>& sockets, Outgoing& out) {
  if (out.bytes.empty()) {
    auto bytes = options_.spool->read(out.sequence);
    if (!bytes.ok()) {
      fail(std::move(bytes).error());
      return false;
    }
    out.bytes = std::move(*bytes);
  }
  const auto least = std::min_element(under_way_.begin(), under_way_.end());
  out.stream = static_cast<std::size_t>(least - under_way_.begin());
  auto sent = sockets[out.stream].send(out.bytes);
  if (!sent.ok()) {
    fail(std::move(sent).error());
    return false;
  }
  if (!*sent) return false;
  ++*least;
  if (out.resent) ++counters_.resent;
  out.sent = out.resent = true;
  spoke_ = Clock::now();
  return true;
}

void Shipper::again(Outgoing& out) {
  if (out.sent) --under_way_[out.stream];
  out.sent = false;
}

void Shipper::receive(Socket& socket) {
  for (;;) {
    auto packet = socket.receive();
    if (!packet.ok()) return fail(std::move(packet).error());
    if (!packet->has_value()) return;
    if ((*packet)->parts != 1) {
      ++counters_.ignored["not one part"];
      continue;
    }
    auto message = decode_message((*packet)->bytes.bytes);
    if (!message.ok())
      ++counters_.ignored["malformed"];
    else if (message->run != run_)
      ++counters_.ignored["of another run"];
    else
      handle(*message);
  }
}

void Shipper::handle(const Message& message) {
  heard_ = Clock::now();
  if (const auto* ack = std::get_if<Ack>(&message.body)) {
    handle(*ack);
  } else if (const auto* done = std::get_if<Done>(&message.body)) {
    window_.clear();
    done_ = *done;
    bye_due_ = confirmed_;
  } else if (const auto* failure = std::get_if<Failure>(&message.body)) {
    fail({failure->code, options_.address + ": collector: " + failure->message});
  } else {
    ++counters_.ignored["not for an edge"];
  }
  changed_.notify_all();
}

void Shipper::handle(const Ack& ack) {
  // With a spool it holds for all that was sent, by killed processes, too.
  if (ack.next > next_sequence_ && options_.spool != nullptr)
    return fail({Errc::check, options_.address + ": collector: has " +
                                  std::to_string(ack.next - 1) +
                                  " messages of this run, of which " +
                                  std::to_string(next_sequence_ - 1) + " are known here"});
  if (ack.next > next_sequence_) {
    ++counters_.ignored["acknowledges what was not sent"];
    return;
  }
  if (options_.spool != nullptr && limit_ == 0 && ack.next < options_.spool->first())
    return fail({Errc::check, options_.address + ": collector: asks for message " +
                                  std::to_string(ack.next) + ", which it had acknowledged"});
  limit_ = std::max(limit_, ack.limit);
  asked_to_stop_ |= ack.stop;
  bool moved = false;
  for (; !window_.empty() && window_.front().sequence < ack.next; window_.pop_front()) {
    if (window_.front().timed) counters_.latencies.add(heard_ - window_.front().since);
    again(window_.front());
    moved = true;
  }
  if (options_.spool != nullptr) options_.spool->release(ack.next);
  if (moved) {
    progress_ = heard_;
    resend_after_ = options_.resend_after;
  }
  if (ack.resend)
    for (Outgoing& out : window_) again(out);
  for (const std::uint64_t sequence : ack.missing)
    if (!window_.empty() && sequence >= window_.front().sequence &&
        sequence - window_.front().sequence < window_.size())
      again(window_[sequence - window_.front().sequence]);
}

}  // namespace etalon
