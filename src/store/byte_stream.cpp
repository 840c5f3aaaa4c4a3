#include "store/byte_stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "store/file.hpp"

namespace etalon {
namespace {

Result<Fd> open_fd(const std::string& path) {
  Fd fd(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return system_error(path, "open");
  return fd;
}

std::optional<std::uint64_t> size_of_regular(const Fd& fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

class FileSource final : public ByteSource {
 public:
  FileSource(std::string path, Fd fd, std::uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<ByteSpan> read(std::uint64_t offset, std::size_t count, Bytes& room) const override {
    room.resize(count);
    for (std::size_t done = 0; done < count;) {
      const ssize_t n =
          ::pread(fd_.get(), room.data() + done, count - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error(path_, "read");
      if (n == 0) return Error{Errc::io, path_ + ": became shorter while it was read"};
      done += static_cast<std::size_t>(n);
    }
    return ByteSpan(room);
  }

 private:
  std::string path_;
  Fd fd_;
  std::uint64_t size_;
};

class OwnedSource final : public ByteSource {
 public:
  explicit OwnedSource(Bytes bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<ByteSpan> read(std::uint64_t offset, std::size_t count, Bytes&) const override {
    return ByteSpan(bytes_).subspan(offset, count);
  }

 private:
  Bytes bytes_;
};

}  // namespace

Result<ByteStream> ByteStream::open(const std::string& path) {
  ByteStream stream;
  stream.path_ = path == "-" ? "standard input" : path;
  ETALON_ASSIGN(stream.fd_, open_fd(path));
  if (path != "-") stream.size_ = size_of_regular(stream.fd_);
  return stream;
}

Result<std::size_t> ByteStream::read(std::span<std::byte> out) {
  const std::size_t ready = std::min(out.size(), ahead_.size() - ahead_at_);
  if (ready != 0) std::memcpy(out.data(), ahead_.data() + ahead_at_, ready);
  ahead_at_ += ready;
  std::size_t done = ready;
  while (done < out.size()) {
    const ssize_t n = ::read(fd_.get(), out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path_, "read");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<ByteSpan> ByteStream::peek(std::size_t count) {
  Bytes bytes(count);
  ETALON_ASSIGN(const std::size_t got, read(bytes));
  bytes.resize(got);
  ahead_ = std::move(bytes);
  ahead_at_ = 0;
  return ByteSpan(ahead_);
}

Result<void> ByteStream::seek(std::uint64_t offset) {
  if (!size_) return Error{Errc::usage, path_ + ": can be read once only"};
  ahead_.clear();
  ahead_at_ = 0;
  if (::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
    return system_error(path_, "read");
  return {};
}

Result<std::unique_ptr<ByteSource>> open_source(const std::string& path) {
  if (path != "-") {
    ETALON_ASSIGN(Fd fd, open_fd(path));
    if (const auto size = size_of_regular(fd))
      return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(path, std::move(fd), *size));
  }
  ETALON_ASSIGN(Bytes bytes, read_file(path));
  return std::unique_ptr<ByteSource>(std::make_unique<OwnedSource>(std::move(bytes)));
}

}  // namespace etalon
