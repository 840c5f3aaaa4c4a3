// Bytes in their order, from a file or a pipe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/byte_source.hpp"
#include "base/posix.hpp"

namespace etalon {

class ByteStream {
 public:
  // "-" is standard input. Errc::missing when there is no such file.
  static Result<ByteStream> open(const std::string& path);

  const std::string& path() const { return path_; }            // for messages
  std::optional<std::uint64_t> size() const { return size_; }  // of regular files
  // Fills `out`; fewer bytes at the end.
  Result<std::size_t> read(std::span<std::byte> out);
  // As many of the next bytes as there are, which read() gives again. Once, before any read().
  Result<ByteSpan> peek(std::size_t count);
  // To an offset of a regular file; Errc::usage for anything else.
  Result<void> seek(std::uint64_t offset);

 private:
  ByteStream() = default;

  std::string path_;
  Fd fd_;
  std::optional<std::uint64_t> size_;
  Bytes ahead_;
  std::size_t ahead_at_ = 0;
};

// A file whose parts are read where they lie; a pipe or "-" is read into memory.
Result<std::unique_ptr<ByteSource>> open_source(const std::string& path);

}  // namespace etalon
