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

Result<std::vector<Socket>> Shipper::open_streams() {
  std::vector<Socket> sockets;
  for (unsigned i = 0; i < options_.streams; ++i) {
    const auto id = std::as_bytes(std::span(run_.bytes));
    Socket::Options socket_options;
    socket_options.queued = options_.window + 16;
    socket_options.routing_id = Bytes(id.begin(), id.end());
    socket_options.routing_id.front() |= std::byte{1};  // ZeroMQ keeps ids that begin with 0
    socket_options.routing_id.push_back(std::byte(i));
    ETALON_ASSIGN(Socket socket, Socket::connect(options_.address, socket_options));
    sockets.push_back(std::move(socket));
  }
  under_way_.assign(options_.streams, 0);
  return sockets;
}

void Shipper::load_spool() {
  next_sequence_ = options_.spool->next();
  for (std::uint64_t n = options_.spool->first(); n < next_sequence_; ++n)
    window_.push_back({n, {}, {}});
}

Result<std::unique_ptr<Shipper>> Shipper::connect(const ShipperOptions& options,
                                                  const Hello& hello) {
  if (options.window == 0) return Error{Errc::usage, "ship.window: must be at least 1"};
  if (options.streams == 0 || options.streams > 64)
    return Error{Errc::usage, "ship.streams: must be from 1 to 64"};
  auto shipper = std::unique_ptr<Shipper>(new Shipper(options));
  if (options.run) {
    shipper->run_ = *options.run;
  } else {
    ETALON_ASSIGN(shipper->run_, RunId::random());
  }
  if (options.spool != nullptr) shipper->load_spool();
  ETALON_ASSIGN(auto sockets, shipper->open_streams());
  shipper->wake_fd_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!shipper->wake_fd_.valid())
    return Error{Errc::io, options.address + ": eventfd: " + std::strerror(errno)};
  shipper->heard_ = shipper->spoke_ = shipper->progress_ = Clock::now();
  shipper->resend_after_ = options.resend_after;
  shipper->thread_ = std::thread(&Shipper::work, shipper.get(), std::move(sockets),
                                 encode_message({shipper->run_, 0, hello}));

  std::unique_lock lock(shipper->mutex_);
  shipper->changed_.wait_for(lock, options.connect_limit, [&] {
    return shipper->limit_ != 0 || shipper->done_ || shipper->failure_;
  });
  if (shipper->failure_) return *shipper->failure_;
  if (shipper->limit_ == 0 && !shipper->done_)
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

Result<void> Shipper::make_room(std::unique_lock<std::mutex>& lock, std::size_t bytes) {
  const auto ready = [&] {
    if (failure_ || done_) return true;
    return options_.spool != nullptr ? options_.spool->has_room(bytes)
                                     : window_.size() < options_.window;
  };
  if (!ready()) {
    waiting_ = Clock::now();
    changed_.wait(lock, ready);
    waiting_.reset();
  }
  if (failure_) return *failure_;
  if (done_)
    return Error{Errc::check, options_.address + ": the collector says done before the end"};
  return {};
}

Result<void> Shipper::enqueue(Message::Body body, std::optional<Clock::time_point> since) {
  Message message{run_, 0, std::move(body)};
  std::unique_lock lock(mutex_);
  message.sequence = next_sequence_;  // one caller: nobody else takes this number
  lock.unlock();
  Bytes bytes = encode_message(message);
  lock.lock();
  ETALON_TRY(make_room(lock, bytes.size()));
  if (window_.empty()) progress_ = Clock::now();
  if (options_.spool != nullptr) ETALON_TRY(options_.spool->append(bytes));
  ++next_sequence_;
  ++counters_.messages;
  counters_.bytes += bytes.size();
  if (window_.size() >= options_.window) {
    ++counters_.spooled;
    bytes = {};
  }
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
  return finish();
}

Result<Done> Shipper::finish() {
  std::unique_lock lock(mutex_);
  waiting_ = Clock::now();
  changed_.wait(lock, [&] { return failure_ || done_; });
  if (!done_) return *failure_;
  const Done done = *done_;
  lock.unlock();
  if (options_.spool == nullptr) confirm();
  return done;
}

void Shipper::confirm() {
  const std::lock_guard lock(mutex_);
  confirmed_ = bye_due_ = true;
  wake();
}

bool Shipper::abandon(const Error& why) {
  std::unique_lock lock(mutex_);
  waiting_ = Clock::now();
  changed_.wait(lock, [&] { return failure_ || done_ || window_.empty(); });
  farewell_ = encode_message({run_, 0, Failure{why.code, why.message}});
  stopping_ = true;
  wake();
  return window_.empty();
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

void Shipper::work(std::vector<Socket> sockets, Bytes hello) {
  hello_ = std::move(hello);
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        if (farewell_) (void)sockets.front().send(*farewell_);
        if (bye_due_) (void)sockets.front().send(encode_message({run_, 0, Bye{}}));
        if (limit_ == 0 || failure_)
          for (Socket& socket : sockets) socket.forget();
        return;
      }
      step(sockets);
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

void Shipper::step(std::vector<Socket>& sockets) {
  for (Socket& socket : sockets) receive(socket);
  if (std::exchange(bye_due_, false)) (void)sockets.front().send(encode_message({run_, 0, Bye{}}));
  if (failure_ || done_) return;
  if (limit_ == 0) return greet(sockets);
  const auto now = Clock::now();
  if (is_silent(now)) {
    fail({Errc::io, options_.address + ": connection lost: no word from the collector for " +
                        seconds(options_.silence_limit) + ", " + std::to_string(window_.size()) +
                        " messages not acknowledged"});
    return;
  }
  if (!window_.empty() && window_.front().sent && now - progress_ > resend_after_) {
    for (Outgoing& out : window_) again(out);
    progress_ = now;
    resend_after_ = std::min(resend_after_ * 2, options_.resend_after * 8);
  }
  transmit(sockets);
  if (now - spoke_ > ping_after) ping(sockets);
}

void Shipper::greet(std::vector<Socket>& sockets) {
  const auto now = Clock::now();
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
  if (!sent.ok()) fail(std::move(sent).error());
  if (failure_ || !*sent) return false;
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
    bye_due_ = confirmed_;
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
