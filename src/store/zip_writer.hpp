// ZIP files of stored (not compressed) members, written front to back: also into a pipe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "store/file.hpp"

namespace etalon {

// PKWARE's APPNOTE 6.3.10 with ZIP64 where sizes need it. Members are read-only for whoever
// extracts them. The same calls give the same bytes.
class ZipWriter {
 public:
  explicit ZipWriter(OutputFile& out) : out_(out) {}

  // What a member is, known before its bytes: a reader of a pipe needs no second look.
  struct Member {
    std::string name;  // UTF-8, with "/" between folders
    std::uint64_t bytes = 0;
    std::uint32_t crc32 = 0;
    std::int64_t time_s =
        0;  // Unix time of the last change, UTC; kept in steps of 2 s from 1980 on
  };
  // `write` calls its argument with all bytes, in pieces. Errc::check when they are not those that
  // `member` says.
  using Sink = std::function<Result<void>(ByteSpan)>;
  Result<void> add(const Member& member, const std::function<Result<void>(const Sink&)>& write);
  // The directory. The file is not whole before it.
  Result<void> finish();
  std::uint64_t bytes() const { return at_; }

 private:
  struct Entry {
    Member member;
    std::uint64_t offset;
  };
  Result<void> put(ByteSpan bytes);

  OutputFile& out_;
  std::uint64_t at_ = 0;
  std::vector<Entry> entries_;
};

std::uint32_t zip_crc32(std::uint32_t before, ByteSpan bytes);  // 0 at the beginning

}  // namespace etalon
