#include "stream/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/crc32c.hpp"

namespace etalon {
namespace {

constexpr std::string_view magic = "etalon.journal1\n";

struct Head {  // of an entry
  std::uint32_t length, crc;
};

// Whether `bytes` could be filled; a shorter file is no error.
Result<bool> read_at(int fd, const std::string& path, std::span<std::byte> bytes,
                     std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto got = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, "read");
    if (got == 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

Result<std::uint64_t> size_of(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error(path, "look at");
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

Result<Journal> Journal::open(const std::string& path) {
  Journal journal(path, Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666)));
  const int fd = journal.fd_.get();
  if (fd < 0) return system_error(path, "open");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return Error{Errc::io, path + ": another process holds it"};
  std::array<std::byte, magic.size()> head{};
  ETALON_ASSIGN(const std::uint64_t size, size_of(fd, path));
  ETALON_ASSIGN(const bool there, read_at(fd, path, head, 0));
  if (std::memcmp(head.data(), magic.data(), std::min<std::uint64_t>(magic.size(), size)) != 0)
    return Error{Errc::malformed, path + ": offset 0: not a journal"};
  if (!there) {
    if (::ftruncate(fd, 0) != 0) return system_error(path, "truncate");
    ETALON_TRY(write_all(fd, path, bytes_of(magic)));
  }
  journal.end_ = magic.size();
  return journal;
}

Result<std::optional<Bytes>> Journal::entry(std::uint64_t offset) const {
  const int fd = fd_.get();
  Head head{};
  ETALON_ASSIGN(const std::uint64_t size, size_of(fd, path_));
  ETALON_ASSIGN(const bool begun,
                read_at(fd, path_, std::as_writable_bytes(std::span(&head, 1)), offset));
  if (!begun || head.length > size - offset - sizeof head) return std::optional<Bytes>();
  Bytes bytes(head.length);
  ETALON_ASSIGN(const bool whole, read_at(fd, path_, bytes, offset + sizeof head));
  if (!whole || crc32c(bytes) != head.crc)
    return Error{Errc::malformed,
                 path_ + ": offset " + std::to_string(offset) + ": CRC-32C does not match"};
  return std::optional(std::move(bytes));
}

Result<std::optional<Bytes>> Journal::read() {
  ETALON_ASSIGN(auto bytes, entry(end_));
  if (bytes) {
    end_ += sizeof(Head) + bytes->size();
    return bytes;
  }
  // The writer was killed here: nobody was told that this is safe.
  const auto end = static_cast<off_t>(end_);
  if (::ftruncate(fd_.get(), end) != 0) return system_error(path_, "truncate");
  if (::lseek(fd_.get(), end, SEEK_SET) < 0) return system_error(path_, "seek in");
  return std::optional<Bytes>();
}

Result<Bytes> Journal::at(std::uint64_t offset) const {
  ETALON_ASSIGN(auto bytes, entry(offset));
  if (bytes) return std::move(*bytes);
  return Error{Errc::malformed, path_ + ": offset " + std::to_string(offset) + ": cut off"};
}

Result<void> Journal::append(ByteSpan entry) {
  const Head head{static_cast<std::uint32_t>(entry.size()), crc32c(entry)};
  ByteWriter out;
  out.append(std::as_bytes(std::span(&head, 1)));
  out.append(entry);
  ETALON_TRY(write_all(fd_.get(), path_, out.buffer()));
  end_ += out.size();
  return {};
}

void Journal::remove() { ::unlink(path_.c_str()); }

}  // namespace etalon
