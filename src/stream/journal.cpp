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
#include "base/durable.hpp"

namespace etalon {
namespace {

constexpr std::string_view magic = "etalon.journal2\n";

struct Safe {  // behind the magic: entries that end before `end` are on the disk
  std::uint64_t end;
  std::uint32_t crc, reserved;
};
constexpr std::uint64_t file_head = magic.size() + sizeof(Safe);

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

Safe safe_until(std::uint64_t end) { return {end, crc32c(std::as_bytes(std::span(&end, 1))), 0}; }

Result<void> write_at(int fd, const std::string& path, ByteSpan bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error(path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
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
  std::array<std::byte, file_head> head{};
  ETALON_ASSIGN(const std::uint64_t size, size_of(fd, path));
  ETALON_ASSIGN(const bool there, read_at(fd, path, head, 0));
  // A power cut may leave the length of what was written without its bytes.
  const bool blank = std::all_of(head.begin(), head.end(), [](std::byte b) { return !int(b); });
  if (!blank &&
      std::memcmp(head.data(), magic.data(), std::min<std::uint64_t>(magic.size(), size)) != 0)
    return Error{Errc::malformed, path + ": offset 0: not a journal of this version"};
  if (!there || blank) {
    if (::ftruncate(fd, 0) != 0) return system_error(path, "truncate");
    const Safe none = safe_until(file_head);
    ByteWriter out;
    out.append(bytes_of(magic));
    out.append(std::as_bytes(std::span(&none, 1)));
    ETALON_TRY(write_at(fd, path, out.buffer(), 0));
    ETALON_TRY(sync_names_beside(path));
    journal.safe_ = file_head;
  } else {
    Safe safe{};
    std::memcpy(&safe, head.data() + magic.size(), sizeof safe);
    if (safe.crc != safe_until(safe.end).crc || safe.reserved != 0)
      return Error{Errc::malformed, path + ": offset 16: CRC-32C does not match"};
    journal.safe_ = safe.end;
  }
  journal.end_ = file_head;
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
  auto bytes = entry(end_);
  if (bytes.ok() && *bytes) {
    end_ += sizeof(Head) + (*bytes)->size();
    return bytes;
  }
  if (!bytes.ok() && (end_ < safe_ || bytes.error().code != Errc::malformed)) return bytes;
  if (end_ < safe_)
    return Error{Errc::malformed, path_ + ": offset " + std::to_string(end_) + ": cut off before " +
                                      std::to_string(safe_)};
  // The writer was stopped here: nobody was told that this is safe.
  ETALON_TRY(cut(end_));
  return std::optional<Bytes>();
}

Result<void> Journal::cut(std::uint64_t offset) {
  end_ = offset;
  if (::ftruncate(fd_.get(), static_cast<off_t>(end_)) != 0) return system_error(path_, "truncate");
  return {};
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
  ETALON_TRY(write_at(fd_.get(), path_, out.buffer(), end_));
  end_ += out.size();
  return {};
}

// What is safe is written down behind the sync that made it so, and reaches the disk with the next.
Result<void> Journal::sync(std::uint64_t end) const {
  ETALON_TRY(write_through());
  const Safe safe = safe_until(end);
  return write_at(fd_.get(), path_, std::as_bytes(std::span(&safe, 1)), magic.size());
}

Result<void> Journal::write_through() const { return sync_data(fd_.get(), path_); }

void Journal::remove() {
  if (::unlink(path_.c_str()) == 0) (void)sync_names_beside(path_);
}

}  // namespace etalon
