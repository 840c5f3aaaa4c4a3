#include "stream/shipper.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <utility>

namespace etalon {
namespace {

std::string seconds(std::chrono::milliseconds time) {
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
    socket_options.keys = options_.keys;
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
  if (shipper->limit_ == 0 && !shipper->done_) return shipper->unanswered();
  return shipper;
}

Error Shipper::unanswered() const {
  const std::string waited =
      "no collector answers (waited " + seconds(options_.connect_limit) + ")";
  const bool keys = options_.keys && !refusal_.empty();
  return {keys ? Errc::usage : Errc::missing,
          options_.address + ": " + waited + (refusal_.empty() ? "" : ": " + refusal_)};
}

Error Shipper::silent() const {
  return {Errc::io, options_.address + ": connection lost: no word from the collector for " +
                        seconds(options_.silence_limit) + ", " + std::to_string(window_.size()) +
                        " messages not acknowledged"};
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
    bytes = Bytes();  // and its memory
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

}  // namespace etalon
