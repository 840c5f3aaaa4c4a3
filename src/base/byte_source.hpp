// Bytes of known size that are read piece by piece, wherever they lie.
#pragma once

#include "base/bytes.hpp"

namespace etalon {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // The `count` bytes from `offset` on, which must lie inside. The span is valid until `room`,
  // which may hold them, or the source changes. Thread-safe.
  virtual Result<ByteSpan> read(std::uint64_t offset, std::size_t count, Bytes& room) const = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ByteSpan bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<ByteSpan> read(std::uint64_t offset, std::size_t count, Bytes&) const override {
    return bytes_.subspan(offset, count);
  }

 private:
  ByteSpan bytes_;
};

}  // namespace etalon
