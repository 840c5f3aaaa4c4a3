#include "base/posix.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace etalon {
namespace fs = std::filesystem;

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

int Fd::close() { return ::close(release()); }

Error system_error(const std::string& path, std::string_view what) {
  const int code = errno;
  return {code == ENOENT ? Errc::missing : Errc::io,
          path + ": cannot " + std::string(what) + ": " + std::strerror(code)};
}

Result<void> write_all(int fd, const std::string& path, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

std::string absolute_path(const std::string& path) {
  std::error_code failed;
  const fs::path whole = fs::absolute(path, failed);
  return failed ? path : whole.string();
}

Result<std::string> running_program() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return Error{Errc::missing, "/proc/self/exe: " + error.message()};
  return self.string();
}

}  // namespace etalon
