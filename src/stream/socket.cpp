#include "stream/socket.hpp"

#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

namespace etalon {
namespace {

constexpr std::string_view wire_domain = "etalon";

Bytes content(zmq_msg_t& part) {
  const auto* data = static_cast<const std::byte*>(zmq_msg_data(&part));
  return {data, data + zmq_msg_size(&part)};
}

// The same without a copy: `part` is emptied.
SharedBytes shared_content(zmq_msg_t& part) {
  const std::shared_ptr<zmq_msg_t> held(new zmq_msg_t, [](zmq_msg_t* message) {
    zmq_msg_close(message);
    delete message;
  });
  zmq_msg_init(held.get());
  zmq_msg_move(held.get(), &part);
  const auto* data = static_cast<const std::byte*>(zmq_msg_data(held.get()));
  return {held, {data, zmq_msg_size(held.get())}};
}

// Of a message of any form; none when there is none.
std::vector<Bytes> parts_of(void* socket) {
  std::vector<Bytes> parts;
  for (bool more = true; more;) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    more = zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0;
    if (more) parts.push_back(content(part));
    more = more && zmq_msg_more(&part) != 0;
    zmq_msg_close(&part);
  }
  return parts;
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
  std::swap(door_, other.door_);
  std::swap(monitor_, other.monitor_);
  std::swap(peer_key_, other.peer_key_);
  std::swap(refusal_, other.refusal_);
  std::swap(refused_, other.refused_);
  std::swap(keys_, other.keys_);
  std::swap(strangers_, other.strangers_);
  std::swap(address_, other.address_);
  std::swap(kind_, other.kind_);
  return *this;
}

void Socket::close() {
  for (void* socket : {monitor_, door_, socket_})
    if (socket != nullptr) zmq_close(socket);
  if (context_ != nullptr)
    while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
    }
  socket_ = context_ = door_ = monitor_ = nullptr;
}

Error Socket::failed(const std::string& what) const {
  return {Errc::io, address_ + ": " + what + ": " + zmq_strerror(zmq_errno())};
}

Result<void> Socket::set(int option, const void* value, std::size_t size) {
  if (zmq_setsockopt(socket_, option, value, size) != 0) return failed("ZeroMQ option");
  return {};
}

Result<Socket> Socket::open(Kind kind, const Options& options, bool server) {
  Socket s;
  s.kind_ = kind;
  s.context_ = zmq_ctx_new();
  if (s.context_ == nullptr) return s.failed("ZeroMQ context");
  s.socket_ = zmq_socket(s.context_, zmq_type(kind));
  if (s.socket_ == nullptr) return s.failed("ZeroMQ socket");
  const int queued = static_cast<int>(options.queued), one = 1, reconnect_ms = 50,
            reconnect_max_ms = 1000, handshake_ms = 2000,
            linger_ms = static_cast<int>(options.linger.count());
  const auto max_message = static_cast<std::int64_t>(options.max_message);
  ETALON_TRY(s.set(ZMQ_SNDHWM, &queued, sizeof queued));
  ETALON_TRY(s.set(ZMQ_RCVHWM, &queued, sizeof queued));
  ETALON_TRY(s.set(ZMQ_LINGER, &linger_ms, sizeof linger_ms));
  ETALON_TRY(s.set(ZMQ_MAXMSGSIZE, &max_message, sizeof max_message));
  ETALON_TRY(s.set(ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof reconnect_ms));
  ETALON_TRY(s.set(ZMQ_RECONNECT_IVL_MAX, &reconnect_max_ms, sizeof reconnect_max_ms));
  // A connection that something accepted and nobody serves is given up, and made anew, before
  // anybody's patience ends; ZeroMQ's own is 30 s.
  ETALON_TRY(s.set(ZMQ_HANDSHAKE_IVL, &handshake_ms, sizeof handshake_ms));
  s.keys_ = options.keys.has_value();
  if (s.keys_) ETALON_TRY(s.set_keys(*options.keys, server));
  if (kind == Kind::dealer) ETALON_TRY(s.watch_handshakes());
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

// The door is opened before the socket is bound, and served by whoever receives.
Result<void> Socket::set_keys(const CurveKeys& keys, bool server) {
  const int yes = 1;
  const auto set_key = [&](int option, const std::string& key) {
    return set(option, key.c_str(), key.size() + 1);
  };
  ETALON_TRY(set_key(ZMQ_CURVE_SECRETKEY, keys.own_secret));
  if (!server) {
    ETALON_TRY(set_key(ZMQ_CURVE_PUBLICKEY, keys.own_public));
    return set_key(ZMQ_CURVE_SERVERKEY, keys.peer_public);
  }
  ETALON_TRY(set(ZMQ_CURVE_SERVER, &yes, sizeof yes));
  ETALON_TRY(set(ZMQ_ZAP_DOMAIN, wire_domain.data(), wire_domain.size()));
  peer_key_.resize(32);
  if (zmq_z85_decode(reinterpret_cast<std::uint8_t*>(peer_key_.data()), keys.peer_public.c_str()) ==
      nullptr)
    return failed("the other end's key");
  door_ = zmq_socket(context_, ZMQ_REP);
  if (door_ == nullptr || zmq_bind(door_, "inproc://zeromq.zap.01") != 0)
    return failed("ZeroMQ authentication");
  return {};
}

Result<void> Socket::watch_handshakes() {
  const int refused = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                      ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
  if (zmq_socket_monitor(socket_, "inproc://handshakes", refused) != 0)
    return failed("ZeroMQ monitor");
  monitor_ = zmq_socket(context_, ZMQ_PAIR);
  if (monitor_ == nullptr || zmq_connect(monitor_, "inproc://handshakes") != 0)
    return failed("ZeroMQ monitor");
  return {};
}

const std::string& Socket::refusal() {
  while (monitor_ != nullptr) {
    const std::vector<Bytes> parts = parts_of(monitor_);
    if (parts.size() != 2 || parts[0].size() < sizeof(std::uint16_t)) break;
    std::uint16_t event = 0;
    std::memcpy(&event, parts[0].data(), sizeof event);
    refused_ =
        event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
      refusal_ = "does not know our key";
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
      refusal_ = "one end has keys, the other has none";
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
      refusal_ = keys_ ? "the handshake is broken off, as by one that has another key than "
                         "collector.pub"
                       : "the handshake is broken off, as by one that has keys";
    else
      refusal_.clear();
  }
  return refusal_;
}

void Socket::answer_strangers() {
  while (door_ != nullptr) {
    // version, request, domain, address, routing id, mechanism, key
    const std::vector<Bytes> ask = parts_of(door_);
    if (ask.empty()) return;
    const bool known =
        ask.size() == 7 && text_of(ask[5]) == "CURVE" && text_of(ask[6]) == peer_key_;
    if (!known) ++strangers_;
    const ByteSpan request = ask.size() > 1 ? ByteSpan(ask[1]) : ByteSpan();
    const std::array<ByteSpan, 6> answer{bytes_of("1.0"),
                                         request,
                                         bytes_of(known ? "200" : "400"),
                                         bytes_of(known ? "OK" : "this key is not known"),
                                         {},
                                         {}};
    for (std::size_t i = 0; i < answer.size(); ++i)
      zmq_send(door_, answer[i].data(), answer[i].size(),
               ZMQ_DONTWAIT | (i + 1 < answer.size() ? ZMQ_SNDMORE : 0));
  }
}

Result<Socket> Socket::connect(const std::string& address, const Options& options, Kind kind) {
  ETALON_ASSIGN(Socket s, open(kind, options, false));
  s.address_ = address;
  if (zmq_connect(s.socket_, address.c_str()) != 0)
    return Error{Errc::usage,
                 address + ": cannot be connected to: " + std::string(zmq_strerror(zmq_errno()))};
  return s;
}

Result<Socket> Socket::bind(const std::string& address, const Options& options, Kind kind) {
  ETALON_ASSIGN(Socket s, open(kind, options, true));
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
  answer_strangers();
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
    more = zmq_msg_more(&part) != 0;
    if (first)
      packet.peer = content(part);
    else if (++packet.parts == 1)
      packet.bytes = shared_content(part);
    first = false;
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
  for (const Socket& socket : sockets)
    for (void* one : {socket.socket_, socket.door_})
      if (one != nullptr) items.push_back({one, 0, ZMQ_POLLIN, 0});
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
