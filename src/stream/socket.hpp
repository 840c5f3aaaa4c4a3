// A ZeroMQ socket with a context of its own; only the thread that holds it may use it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/result.hpp"
#include "stream/curve_keys.hpp"

namespace etalon {

class Socket {
 public:
  enum class Kind { dealer, router, push, pull, publish };

  struct Options {
    std::size_t queued = 64;                         // messages, each way
    std::size_t max_message = std::size_t{1} << 28;  // bytes; larger ones close the connection
    std::chrono::milliseconds linger{2000};          // how long close waits for what was sent
    Bytes routing_id;                                // dealer: keeps its name when it reconnects
    std::optional<CurveKeys> keys;                   // none: in the clear
  };

  // Errc::usage for an address that ZeroMQ does not understand, Errc::io when it cannot be bound.
  static Result<Socket> connect(const std::string& address, const Options& options,
                                Kind kind = Kind::dealer);
  static Result<Socket> bind(const std::string& address, const Options& options,
                             Kind kind = Kind::router);
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  // The address as bound: the port is filled in where it was left open ("tcp://127.0.0.1:*").
  const std::string& address() const { return address_; }

  // One message: the peer's routing id (router only) and the bytes, which lie where ZeroMQ put
  // them.
  struct Packet {
    Bytes peer;
    SharedBytes bytes;
    std::size_t parts = 1;  // without the routing id; anything but 1 is none of ours
  };
  // Nothing when there is none; never waits.
  Result<std::optional<Packet>> receive();
  // False when the peer cannot take it now (its queue is full, or it is gone). `peer` is for
  // routers only.
  Result<bool> send(ByteSpan bytes, const Bytes& peer = {});
  // What speaks for the other end's not taking our keys, of a dealer; empty: nothing does. It may
  // be no more than a connection that broke at an unlucky moment, unless is_refused().
  const std::string& refusal();
  bool is_refused() const { return refused_; }
  // Connections that were refused because their key is not known.
  std::uint64_t strangers() const { return strangers_; }
  // Closing does not wait for what was sent: nobody will take it.
  void forget();
  // Until something can be received, `wake_fd` can be read (-1: none), or the time is over; also
  // returns early on signals.
  Result<void> wait(std::chrono::milliseconds limit) { return wait({this, 1}, limit, -1); }
  // The same for any of several.
  static Result<void> wait(std::span<Socket> sockets, std::chrono::milliseconds limit, int wake_fd);
  // The same, until send() would be taken.
  Result<void> wait_to_send(std::chrono::milliseconds limit);

 private:
  Socket() = default;
  static Result<Socket> open(Kind kind, const Options& options, bool server);
  Result<void> set(int option, const void* value, std::size_t size);
  Result<void> set_keys(const CurveKeys& keys, bool server);
  Result<void> watch_handshakes();
  void answer_strangers();
  Error failed(const std::string& what) const;
  void close();

  void* context_ = nullptr;
  void* socket_ = nullptr;
  void* door_ = nullptr;     // where ZeroMQ asks whose keys are known (RFC 27/ZAP)
  void* monitor_ = nullptr;  // where it says how handshakes end
  std::string peer_key_;     // 32 bytes: the one that is known at the door
  std::string refusal_;
  bool refused_ = false;
  bool keys_ = false;
  std::uint64_t strangers_ = 0;
  std::string address_;
  Kind kind_ = Kind::dealer;
};

}  // namespace etalon
