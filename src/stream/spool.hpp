// Messages on disk until they are acknowledged: what a window in memory cannot hold, and what must
// not be lost when the edge is killed.
#pragma once

#include <deque>
#include <string>

#include "stream/journal.hpp"

namespace etalon {

struct SpoolOptions {
  std::string folder;                            // it must be there
  std::uint64_t limit = std::uint64_t{1} << 30;  // bytes that wait; the disk holds two files more
  std::uint64_t file_bytes = std::uint64_t{64} << 20;  // then the next file is begun
};

// Files FOLDER/SEQUENCE.spool, named by the first message in them: each is a journal, and goes when
// its last message is acknowledged. Messages have the sequence numbers of the wire: 1, 2, 3, ...
class Spool {
 public:
  // With what a killed process left there.
  static Result<Spool> open(const SpoolOptions& options);

  // Those from first() on, before next(), are there.
  std::uint64_t first() const { return first_; }
  std::uint64_t next() const { return first_ + places_.size(); }
  std::uint64_t bytes() const { return bytes_; }  // that are not acknowledged
  // An empty spool takes a message of any size.
  bool has_room(std::size_t size) const { return bytes_ == 0 || bytes_ + size <= options_.limit; }

  // The message next().
  Result<void> append(ByteSpan message);
  Result<Bytes> read(std::uint64_t sequence) const;
  // All before `next` are acknowledged.
  void release(std::uint64_t next);
  void remove();

 private:
  struct File {
    Journal journal;
    std::uint64_t first;
  };
  struct Place {
    std::uint64_t offset;
    std::size_t size;
  };
  explicit Spool(const SpoolOptions& options) : options_(options) {}
  Result<void> add_file(std::uint64_t first);
  Result<void> load(std::uint64_t first);

  SpoolOptions options_;
  std::deque<File> files_;
  std::deque<Place> places_;  // of first_, first_ + 1, ...
  std::uint64_t first_ = 1, released_ = 1, bytes_ = 0;
};

}  // namespace etalon
