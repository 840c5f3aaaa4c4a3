// Entries in a file, in the order in which they were appended: what a node must still know after it
// was killed. The file is written down in docs/decisions/wire.md.
#pragma once

#include <optional>
#include <string>

#include "base/posix.hpp"

namespace etalon {

// What append() has returned for survives the end of the process, however it ends; after a power
// cut the end may be missing. One process at a time holds a journal.
class Journal {
 public:
  // The journal at `path`, made where there is none. Errc::io when another process holds it,
  // Errc::malformed for another file.
  static Result<Journal> open(const std::string& path);

  const std::string& path() const { return path_; }
  // Where the next entry of read() or append() begins.
  std::uint64_t offset() const { return end_; }
  // The next entry of those that were there at open(), in order; nothing behind the last one. What
  // a killed writer left unfinished there is cut off. Errc::malformed for an entry that is damaged:
  // what was promised to be safe is not. Call until then before the first append().
  Result<std::optional<Bytes>> read();
  // The entry that begins at `offset`.
  Result<Bytes> at(std::uint64_t offset) const;
  Result<void> append(ByteSpan entry);
  // Nobody needs it any more.
  void remove();

 private:
  Journal(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Result<std::optional<Bytes>> entry(std::uint64_t offset) const;  // none: it is not all there

  std::string path_;
  Fd fd_;
  std::uint64_t end_ = 0;  // of the whole entries read or appended so far
};

}  // namespace etalon
