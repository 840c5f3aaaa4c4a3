// Messages on disk until they are acknowledged: what a window in memory cannot hold, and what must
// not be lost when the edge is killed.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <string>

#include "stream/journal.hpp"

namespace etalon {

struct SpoolOptions {
  std::string folder;                            // it must be there
  std::uint64_t limit = std::uint64_t{1} << 30;  // bytes that wait; the disk holds two files more
  std::uint64_t file_bytes = std::uint64_t{64} << 20;  // then the next file is begun
  // Syncs what is needed where messages are safe; called by whoever calls sync().
  std::function<Result<void>()> before_sync = {};
  // Syncs what is still needed when the files so far are gone.
  std::function<Result<void>()> before_next_file = {};
};

// Files FOLDER/SEQUENCE.spool, named by the first message in them: each is a journal, and goes when
// its last message is acknowledged. Messages have the sequence numbers of the wire: 1, 2, 3, ...
// Not to be used by two threads at once, but for sync(point).
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

  // The message next(). It survives the end of the process, and a power cut once it is before
  // safe().
  Result<void> append(ByteSpan message);
  std::uint64_t safe() const { return safe_; }
  // How far there is something to write to the disk. sync(point) does that for many messages at
  // once, beside a thread that appends; the one thread that releases calls it, and synced() then.
  struct Point {
    const Journal* journal;
    std::uint64_t offset, next;
  };
  Point point() const;
  Result<void> sync(const Point& point) const;
  void synced(const Point& point) { safe_ = std::max(safe_, point.next); }
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
  std::uint64_t first_ = 1, released_ = 1, safe_ = 1, bytes_ = 0;
};

}  // namespace etalon
