#include "stream/socket.hpp"

#include <unistd.h>
#include <zmq.h>

#include <array>
#include <utility>

namespace etalon {
namespace {

Bytes content(zmq_msg_t& part) {
  const auto* data = static_cast<const std::byte*>(zmq_msg_data(&part));
  return {data, data + zmq_msg_size(&part)};
}

int zmq_type(Socket::Kind kind) {
  switch (kind) {
    case Socket::Kind::dealer:
      return ZMQ_DEALER;
    case Socket::Kind::router:
      return ZMQ_ROUTER;
    case Socket::Kind::push:
      return ZMQ_PUSH;
    case Socket::Kind::publish:
      return ZMQ_XPUB;
    case Socket::Kind::pull:
      break;
  }
  return ZMQ_PULL;
}

}  // namespace

Socket::~Socket() { close(); }

Socket::Socket(Socket&& other) noexcept { *this = std::move(other); }

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(context_, other.context_);
  std::swap(socket_, other.socket_);
  std::swap(address_, other.address_);
  std::swap(kind_, other.kind_);
  return *this;
}

void Socket::close() {
  if (socket_ != nullptr) zmq_close(socket_);
  if (context_ != nullptr)
    while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
    }
  socket_ = context_ = nullptr;
}

Error Socket::failed(const std::string& what) const {
  return {Errc::io, address_ + ": " + what + ": " + zmq_strerror(zmq_errno())};
}

Result<void> Socket::set(int option, const void* value, std::size_t size) {
  if (zmq_setsockopt(socket_, option, value, size) != 0) return failed("ZeroMQ option");
  return {};
}

Result<Socket> Socket::open(Kind kind, const Options& options) {
  Socket s;
  s.kind_ = kind;
  s.context_ = zmq_ctx_new();
  if (s.context_ == nullptr) return s.failed("ZeroMQ context");
  s.socket_ = zmq_socket(s.context_, zmq_type(kind));
  if (s.socket_ == nullptr) return s.failed("ZeroMQ socket");
  const int queued = static_cast<int>(options.queued), one = 1, reconnect_ms = 50,
            reconnect_max_ms = 1000, linger_ms = static_cast<int>(options.linger.count());
  const auto max_message = static_cast<std::int64_t>(options.max_message);
  ETALON_TRY(s.set(ZMQ_SNDHWM, &queued, sizeof queued));
  ETALON_TRY(s.set(ZMQ_RCVHWM, &queued, sizeof queued));
  ETALON_TRY(s.set(ZMQ_LINGER, &linger_ms, sizeof linger_ms));
  ETALON_TRY(s.set(ZMQ_MAXMSGSIZE, &max_message, sizeof max_message));
  ETALON_TRY(s.set(ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof reconnect_ms));
  ETALON_TRY(s.set(ZMQ_RECONNECT_IVL_MAX, &reconnect_max_ms, sizeof reconnect_max_ms));
  if (kind == Kind::router) {
    // A peer that comes back under its name replaces its dead connection; sending to nobody says
    // so.
    ETALON_TRY(s.set(ZMQ_ROUTER_HANDOVER, &one, sizeof one));
    ETALON_TRY(s.set(ZMQ_ROUTER_MANDATORY, &one, sizeof one));
  } else if (kind == Kind::dealer && !options.routing_id.empty()) {
    ETALON_TRY(s.set(ZMQ_ROUTING_ID, options.routing_id.data(), options.routing_id.size()));
  }
  return s;
}

Result<Socket> Socket::connect(const std::string& address, const Options& options, Kind kind) {
  ETALON_ASSIGN(Socket s, open(kind, options));
  s.address_ = address;
  if (zmq_connect(s.socket_, address.c_str()) != 0)
    return Error{Errc::usage,
                 address + ": cannot be connected to: " + std::string(zmq_strerror(zmq_errno()))};
  return s;
}

Result<Socket> Socket::bind(const std::string& address, const Options& options, Kind kind) {
  ETALON_ASSIGN(Socket s, open(kind, options));
  s.address_ = address;
  if (zmq_bind(s.socket_, address.c_str()) != 0) {
    const int error = zmq_errno();
    const bool senseless = error == EINVAL || error == EPROTONOSUPPORT || error == ENODEV;
    return Error{senseless ? Errc::usage : Errc::io,
                 address + ": cannot be bound: " + zmq_strerror(error)};
  }
  std::array<char, 512> bound{};
  std::size_t size = bound.size();
  if (zmq_getsockopt(s.socket_, ZMQ_LAST_ENDPOINT, bound.data(), &size) == 0)
    s.address_ = bound.data();
  return s;
}

Result<std::optional<Socket::Packet>> Socket::receive() {
  Packet packet;
  packet.parts = 0;
  bool first = kind_ == Kind::router, more = true;
  while (more) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, socket_, ZMQ_DONTWAIT) < 0) {
      const int error = zmq_errno();
      zmq_msg_close(&part);
      if (error == EAGAIN || error == EINTR) return std::optional<Packet>();
      return Error{Errc::io, address_ + ": receive: " + zmq_strerror(error)};
    }
    if (first)
      packet.peer = content(part);
    else if (++packet.parts == 1)
      packet.bytes = content(part);
    first = false;
    more = zmq_msg_more(&part) != 0;
    zmq_msg_close(&part);
  }
  return std::optional(std::move(packet));
}

Result<bool> Socket::send(ByteSpan bytes, const Bytes& peer) {
  if (kind_ == Kind::router &&
      zmq_send(socket_, peer.data(), peer.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() == EAGAIN || zmq_errno() == EHOSTUNREACH || zmq_errno() == EINTR) return false;
    return failed("send");
  }
  if (zmq_send(socket_, bytes.data(), bytes.size(), ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() == EAGAIN || zmq_errno() == EHOSTUNREACH || zmq_errno() == EINTR) return false;
    return failed("send");
  }
  return true;
}

void Socket::forget() {
  const int none = 0;
  (void)set(ZMQ_LINGER, &none, sizeof none);
}

Result<void> Socket::wait(std::span<Socket> sockets, std::chrono::milliseconds limit, int wake_fd) {
  std::vector<zmq_pollitem_t> items;
  for (const Socket& socket : sockets) items.push_back({socket.socket_, 0, ZMQ_POLLIN, 0});
  if (wake_fd >= 0) items.push_back({nullptr, wake_fd, ZMQ_POLLIN, 0});
  const int count = static_cast<int>(items.size());
  if (zmq_poll(items.data(), count, limit.count()) < 0 && zmq_errno() != EINTR)
    return sockets.front().failed("poll");
  return {};
}

Result<void> Socket::wait_to_send(std::chrono::milliseconds limit) {
  zmq_pollitem_t item{socket_, 0, ZMQ_POLLOUT, 0};
  if (zmq_poll(&item, 1, limit.count()) < 0 && zmq_errno() != EINTR) return failed("poll");
  return {};
}

}  // namespace etalon
