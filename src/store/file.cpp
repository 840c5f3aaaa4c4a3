#include "store/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace etalon {
namespace {

Error system_error(const std::string& path, std::string_view action) {
  const int number = errno;
  const Errc code = number == ENOENT ? Errc::missing : Errc::io;
  return {code, path + ": " + std::string(action) + ": " + std::strerror(number)};
}

Result<void> write_all(int fd, const std::string& path, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return system_error(path, "cannot write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

// A device, a pipe or a socket.
bool is_special(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

}  // namespace

Result<Bytes> read_file(const std::string& path) {
  const int fd = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error(path, "cannot open");
  struct stat status {};
  Bytes bytes;
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
    bytes.reserve(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t size = 0;
  while (true) {
    if (bytes.size() - size < 65536)
      bytes.resize(std::max(bytes.capacity(), size + (std::size_t{1} << 20)));
    const ssize_t n = ::read(fd, bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      Error error = system_error(path, "cannot read");
      ::close(fd);
      return error;
    }
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  ::close(fd);
  bytes.resize(size);
  return bytes;
}

Result<void> refuse_same_file(const std::string& input, const std::string& output) {
  std::error_code unknown;
  if (std::filesystem::equivalent(input, output, unknown) && !is_special(output))
    return Error{Errc::usage, output + ": is what is read; the output must have another name"};
  return {};
}

Result<OutputFile> OutputFile::create(const std::string& path, bool overwrite) {
  OutputFile file;
  file.path_ = path;
  if (path == "-") {
    file.fd_ = ::dup(STDOUT_FILENO);
    if (file.fd_ < 0) return system_error(path, "cannot open");
    return file;
  }
  if (is_special(path)) {
    file.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file.fd_ < 0) return system_error(path, "cannot open");
    return file;
  }
  std::error_code unknown;  // a name that cannot be looked at cannot be made either, which says why
  if (!overwrite && std::filesystem::exists(path, unknown))
    return Error{Errc::usage, path + ": exists already; -f overwrites it"};
  if (std::filesystem::is_symlink(path, unknown))
    if (const auto target = std::filesystem::canonical(path, unknown); !unknown)
      file.path_ = target.string();
  std::string temporary = file.path_ + ".part.XXXXXX";
  file.fd_ = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file.fd_ < 0) {
    Error error = system_error(path, "cannot create");
    error.code = Errc::io;
    return error;
  }
  file.temporary_ = std::move(temporary);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(file.fd_, 0666 & ~mask);
  return file;
}

Result<OutputFile> OutputFile::create_regular(const std::string& path, bool overwrite) {
  if (path == "-" || is_special(path))
    return Error{Errc::usage, path + ": this kind of file cannot go to a pipe or a device"};
  return create(path, overwrite);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  if (this != &other) {
    discard();
    path_ = std::move(other.path_);
    temporary_ = std::exchange(other.temporary_, {});
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

OutputFile::~OutputFile() { discard(); }

void OutputFile::discard() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (!temporary_.empty()) ::unlink(std::exchange(temporary_, {}).c_str());
}

Result<void> OutputFile::write(ByteSpan bytes) { return write_all(fd_, path_, bytes); }

Result<void> OutputFile::commit() {
  if (temporary_.empty()) {
    if (::close(std::exchange(fd_, -1)) != 0) return system_error(path_, "cannot write");
    return {};
  }
  if (::fsync(fd_) != 0) return system_error(path_, "cannot sync");
  if (::close(std::exchange(fd_, -1)) != 0) return system_error(path_, "cannot write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return system_error(path_, "cannot rename");
  temporary_.clear();
  return {};
}

}  // namespace etalon
