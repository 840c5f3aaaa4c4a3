// Entries in a file, in the order in which they were appended: what a node must still know after it
// was killed. The file is written down in docs/decisions/wire.md.
#pragma once

#include <optional>
#include <string>

#include "base/posix.hpp"

namespace etalon {

// What append() has returned for survives the end of the process, however it ends; what sync() has
// returned for survives a power cut, too. One process at a time holds a journal.
class Journal {
 public:
  // The journal at `path`, made where there is none, with its name on the disk. Errc::io when
  // another process holds it, Errc::malformed for another file.
  static Result<Journal> open(const std::string& path);

  const std::string& path() const { return path_; }
  // Where the next entry of read() or append() begins.
  std::uint64_t offset() const { return end_; }
  // Up to here it was on the disk when that was last written down: less than the truth at most.
  std::uint64_t safe() const { return safe_; }
  // The next entry of those that were there at open(), in order; nothing behind the last one. What
  // a kill or a power cut left unfinished there is cut off. Errc::malformed for an entry before
  // safe() that is damaged: what was promised is not there. Call until then before the first
  // append().
  Result<std::optional<Bytes>> read();
  // The entry that begins at `offset`.
  Result<Bytes> at(std::uint64_t offset) const;
  Result<void> append(ByteSpan entry);
  // What is from `offset` on, where an entry begins, was never promised to anybody.
  Result<void> cut(std::uint64_t offset);
  // All before offset() is on the disk.
  Result<void> sync() { return sync(end_); }
  // All before `end`, an earlier offset(): for a thread beside the one that appends.
  Result<void> sync(std::uint64_t end) const;
  // The same for all that was appended before the call, without writing down that it is safe.
  Result<void> write_through() const;
  // Nobody needs it any more, and it will not be there after a power cut either.
  void remove();

 private:
  Journal(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Result<std::optional<Bytes>> entry(std::uint64_t offset) const;  // none: it is not all there

  std::string path_;
  Fd fd_;
  std::uint64_t end_ = 0;   // of the whole entries read or appended so far
  std::uint64_t safe_ = 0;  // as open() found it
};

}  // namespace etalon
