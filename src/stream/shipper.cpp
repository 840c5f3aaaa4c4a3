#include "stream/shipper.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace etalon {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds tick{100};         // of the thread when nothing happens
constexpr milliseconds ping_after{1000};  // of silence on our side
constexpr milliseconds greet_again{500};

std::string seconds(milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g s", static_cast<double>(time.count()) * 1e-3);
  return text;
}

}  // namespace

Result<std::unique_ptr<Shipper>> Shipper::connect(const ShipperOptions& options,
                                                  const Hello& hello) {
  if (options.window == 0) return Error{Errc::usage, "ship.window: must be at least 1"};
  auto shipper = std::unique_ptr<Shipper>(new Shipper(options));
  ETALON_ASSIGN(shipper->run_, RunId::random());
  const auto id = std::as_bytes(std::span(shipper->run_.bytes));
  Socket::Options socket_options;
  socket_options.queued = options.window + 16;
  socket_options.routing_id = Bytes(id.begin(), id.end());
  socket_options.routing_id.front() |= std::byte{1};  // ZeroMQ keeps ids that begin with 0
  ETALON_ASSIGN(Socket socket, Socket::connect(options.address, socket_options));
  shipper->wake_fd_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!shipper->wake_fd_.valid())
    return Error{Errc::io, options.address + ": eventfd: " + std::strerror(errno)};
  shipper->heard_ = shipper->spoke_ = shipper->progress_ = Clock::now();
  shipper->resend_after_ = options.resend_after;
  shipper->thread_ = std::thread(&Shipper::work, shipper.get(), std::move(socket),
                                 encode_message({shipper->run_, 0, hello}));

  std::unique_lock lock(shipper->mutex_);
  shipper->changed_.wait_for(lock, options.connect_limit,
                             [&] { return shipper->limit_ != 0 || shipper->failure_; });
  if (shipper->failure_) return *shipper->failure_;
  if (shipper->limit_ == 0)
    return Error{Errc::missing, options.address + ": no collector answers (waited " +
                                    seconds(options.connect_limit) + ")"};
  return shipper;
}

Shipper::~Shipper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (wake_fd_.valid()) wake();
  if (thread_.joinable()) thread_.join();
}

void Shipper::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_.get(), &one, sizeof one);
}

Result<void> Shipper::enqueue(Message::Body body, std::optional<Clock::time_point> since) {
  Message message{run_, 0, std::move(body)};
  std::unique_lock lock(mutex_);
  message.sequence = next_sequence_;  // one caller: nobody else takes this number
  lock.unlock();
  Bytes bytes = encode_message(message);
  lock.lock();
  changed_.wait(lock, [&] { return failure_ || window_.size() < options_.window; });
  if (failure_) return *failure_;
  if (window_.empty()) progress_ = Clock::now();
  ++next_sequence_;
  ++counters_.messages;
  counters_.bytes += bytes.size();
  window_.push_back(
      {message.sequence, std::move(bytes), since.value_or(Clock::time_point{}), since.has_value()});
  lock.unlock();
  wake();
  return {};
}

Result<void> Shipper::send(ShippedFrame frame, Clock::time_point since) {
  return enqueue(std::move(frame), since);
}

Result<void> Shipper::send(Vetoes vetoes) { return enqueue(std::move(vetoes), {}); }

Result<Done> Shipper::finish(End end) {
  ETALON_TRY(enqueue(std::move(end), {}));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || done_; });
  if (done_) return *done_;
  return *failure_;
}

void Shipper::abandon(const Error& why) {
  const std::lock_guard lock(mutex_);
  farewell_ = encode_message({run_, 0, Failure{why.code, why.message}});
  stopping_ = true;
  wake();
}

ShipperCounters Shipper::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::size_t Shipper::unacknowledged() const {
  const std::lock_guard lock(mutex_);
  return window_.size();
}

bool Shipper::asked_to_stop() const {
  const std::lock_guard lock(mutex_);
  return asked_to_stop_;
}

void Shipper::fail(Error error) {
  if (!failure_ && !done_) failure_ = std::move(error);
  changed_.notify_all();
}

void Shipper::work(Socket socket, Bytes hello) {
  hello_ = std::move(hello);
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        if (farewell_) (void)socket.send(*farewell_);
        if (limit_ == 0 || failure_) socket.forget();
        return;
      }
      step(socket);
    }
    if (auto waited = socket.wait(tick, wake_fd_.get()); !waited.ok()) {
      const std::lock_guard lock(mutex_);
      fail(std::move(waited).error());
    }
    std::uint64_t count;
    while (::read(wake_fd_.get(), &count, sizeof count) > 0) {
    }
  }
}

void Shipper::step(Socket& socket) {
  receive(socket);
  if (std::exchange(bye_due_, false)) (void)socket.send(encode_message({run_, 0, Bye{}}));
  if (failure_ || done_) return;
  const auto now = Clock::now();
  if (limit_ == 0) {
    if (greet_ || now - spoke_ > greet_again) {
      if (auto sent = socket.send(hello_); !sent.ok()) fail(std::move(sent).error());
      greet_ = false;
      spoke_ = now;
    }
    return;
  }
  if (now - heard_ > options_.silence_limit) {
    fail({Errc::io, options_.address + ": connection lost: no word from the collector for " +
                        seconds(options_.silence_limit) + ", " + std::to_string(window_.size()) +
                        " messages not acknowledged"});
    return;
  }
  if (!window_.empty() && window_.front().sent && now - progress_ > resend_after_) {
    for (Outgoing& out : window_) out.sent = false;
    progress_ = now;
    resend_after_ = std::min(resend_after_ * 2, options_.resend_after * 8);
  }
  transmit(socket);
  if (now - spoke_ > ping_after) {
    if (auto sent = socket.send(encode_message({run_, 0, Ping{}})); !sent.ok())
      fail(std::move(sent).error());
    spoke_ = now;
  }
}

void Shipper::transmit(Socket& socket) {
  for (Outgoing& out : window_) {
    if (out.sequence >= limit_) break;
    if (out.sent) continue;
    auto sent = socket.send(out.bytes);
    if (!sent.ok()) return fail(std::move(sent).error());
    if (!*sent) break;  // later messages must not overtake it
    if (out.resent) ++counters_.resent;
    out.sent = out.resent = true;
    spoke_ = Clock::now();
  }
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
    auto message = decode_message((*packet)->bytes);
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
    bye_due_ = true;
  } else if (const auto* failure = std::get_if<Failure>(&message.body)) {
    fail({failure->code, options_.address + ": collector: " + failure->message});
  } else {
    ++counters_.ignored["not for an edge"];
  }
  changed_.notify_all();
}

void Shipper::handle(const Ack& ack) {
  if (ack.next > next_sequence_) {
    ++counters_.ignored["acknowledges what was not sent"];
    return;
  }
  limit_ = std::max(limit_, ack.limit);
  asked_to_stop_ |= ack.stop;
  bool moved = false;
  for (; !window_.empty() && window_.front().sequence < ack.next; window_.pop_front()) {
    if (window_.front().timed) counters_.latencies.add(heard_ - window_.front().since);
    moved = true;
  }
  if (moved) {
    progress_ = heard_;
    resend_after_ = options_.resend_after;
  }
  if (ack.resend)
    for (Outgoing& out : window_) out.sent = false;
}

}  // namespace etalon
