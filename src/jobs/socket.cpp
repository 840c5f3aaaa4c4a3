#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "jobs/wire.hpp"

namespace etalon::jobs {
namespace {

constexpr const char* socket_name = "socket";

sockaddr_un address_in(int directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(directory) + "/" + socket_name;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

struct Endpoint {
  Fd directory, socket;
  sockaddr_un address;
};

Result<Endpoint> endpoint_in(const std::string& directory, int flags) {
  Endpoint end;
  end.directory = Fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!end.directory.valid()) return system_error(directory, "open");
  end.socket = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!end.socket.valid()) return system_error(directory + "/" + socket_name, "make a socket");
  end.address = address_in(end.directory.get());
  return end;
}

}  // namespace

Result<Fd> listen_in(const std::string& directory) {
  ETALON_ASSIGN(Endpoint end, endpoint_in(directory, SOCK_NONBLOCK));
  const std::string path = directory + "/" + socket_name;
  if (::unlinkat(end.directory.get(), socket_name, 0) != 0 && errno != ENOENT)
    return system_error(path, "remove what a dead daemon left");
  const auto* address = reinterpret_cast<const sockaddr*>(&end.address);
  if (::bind(end.socket.get(), address, sizeof end.address) != 0)
    return system_error(path, "make the socket");
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(end.socket.get(), 128) != 0)
    return system_error(path, "listen");
  return std::move(end.socket);
}

Result<Fd> connect_in(const std::string& directory) {
  ETALON_ASSIGN(Endpoint end, endpoint_in(directory, 0));
  const auto* address = reinterpret_cast<const sockaddr*>(&end.address);
  if (::connect(end.socket.get(), address, sizeof end.address) != 0) {
    const bool nobody = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTSOCK;
    Error error = system_error(directory + "/" + socket_name, "connect");
    error.code = nobody ? Errc::missing : Errc::io;
    return error;
  }
  ETALON_TRY(check_peer(end.socket.get()));
  return std::move(end.socket);
}

Result<void> check_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return system_error("job socket", "ask who is there");
  if (peer.uid != ::geteuid())
    return Error{Errc::check,
                 "job socket: the other end belongs to user " + std::to_string(peer.uid)};
  return {};
}

Result<cbor::Value> exchange(int socket, const cbor::Value& request,
                             std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const auto await = [&](short events) -> Result<void> {
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return Error{Errc::io, "job socket: no answer in time"};
      pollfd wait{socket, events, 0};
      const int ready =
          ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000)));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return system_error("job socket", "wait");
    }
  };
  const Bytes message = pack_message(request);
  for (std::size_t sent = 0; sent < message.size();) {
    ETALON_TRY(await(POLLOUT));
    const ssize_t n =
        ::send(socket, message.data() + sent, message.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EINTR && errno != EAGAIN) return system_error("job socket", "send");
    if (n > 0) sent += static_cast<std::size_t>(n);
  }
  MessageReader reader(max_reply_bytes);
  std::byte buffer[65536];
  while (true) {
    ETALON_ASSIGN(auto reply, reader.next());
    if (reply.has_value()) return std::move(*reply);
    ETALON_TRY(await(POLLIN));
    const ssize_t n = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return system_error("job socket", "receive");
    if (n == 0) return Error{Errc::io, "job socket: the daemon hung up"};
    reader.add(ByteSpan(buffer, static_cast<std::size_t>(n)));
  }
}

}  // namespace etalon::jobs
