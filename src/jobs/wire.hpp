// What client and daemon say to each other: messages on a Unix socket, each a length (u32, little
// endian) and one CBOR map.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/cbor.hpp"
#include "base/posix.hpp"
#include "jobs/job_files.hpp"

namespace etalon::jobs {

inline constexpr std::uint64_t protocol_version = 3;
inline constexpr std::size_t max_request_bytes = std::size_t{4} << 20;
inline constexpr std::size_t max_reply_bytes = std::size_t{256} << 20;

struct Request {
  enum class Kind { submit, status, list, cancel, stop };
  Kind kind = Kind::list;
  std::uint64_t id = 0;  // of status and cancel
  SpecRecord spec;       // of submit
};
cbor::Value to_cbor(const Request& request);
Result<Request> parse_request(const cbor::Value& message);

// A reply is {"ok": true, ...} or {"ok": false, "code": Errc, "error": text}.
cbor::Value reply_ok();
cbor::Value reply_error(const Error& error);
// The error that the reply carries, if it does.
Result<void> check_reply(const cbor::Value& message);
cbor::Value to_cbor(const JobStatus& status);
Result<JobStatus> parse_status(const cbor::Value& message);

Bytes pack_message(const cbor::Value& value);

// Cuts a stream of bytes into messages.
class MessageReader {
 public:
  explicit MessageReader(std::size_t most) : most_(most) {}
  void add(ByteSpan bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  // The next whole message; nullopt when more bytes are needed; Errc::malformed when what came is
  // no message, after which the stream is of no use.
  Result<std::optional<cbor::Value>> next();

 private:
  std::size_t most_;
  Bytes buffer_;
};

// The socket lies in `directory` under the name "socket". It is reached through the directory's
// descriptor, since a socket's path may be only 107 bytes long.
Result<Fd> listen_in(const std::string& directory);   // replaces one left by a dead daemon
Result<Fd> connect_in(const std::string& directory);  // Errc::missing when nobody listens
// Errc::check when the other end belongs to another user.
Result<void> check_peer(int socket);

// Sends a request and waits for the reply. Errc::io when the connection is lost or `limit` passes.
Result<cbor::Value> exchange(int socket, const cbor::Value& request,
                             std::chrono::milliseconds limit);

}  // namespace etalon::jobs
