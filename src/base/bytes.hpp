// Little-endian bytes, written to a growing buffer and read back with every access checked.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "etalon/result.hpp"

namespace etalon {

static_assert(std::endian::native == std::endian::little, "Etalon's formats are little-endian");

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

// Bytes that stay as long as someone holds `owner`, which several may.
struct SharedBytes {
  std::shared_ptr<const void> owner;
  ByteSpan bytes;

  SharedBytes() = default;
  SharedBytes(std::shared_ptr<const void> who, ByteSpan what)
      : owner(std::move(who)), bytes(what) {}
  explicit SharedBytes(Bytes own) {
    auto held = std::make_shared<const Bytes>(std::move(own));
    bytes = *held;
    owner = std::move(held);
  }
};

inline ByteSpan bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string_view text_of(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteWriter {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T>
  void put(T value) { append(std::as_bytes(std::span(&value, 1))); }
  void append(ByteSpan bytes) {
    const std::size_t at = buffer_.size();
    buffer_.resize(at + bytes.size());
    if (!bytes.empty()) std::memcpy(buffer_.data() + at, bytes.data(), bytes.size());
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void put_all(const std::vector<T>& values) { append(std::as_bytes(std::span(values))); }
  // LEB128: seven bits a byte, low bits first, at most ten bytes.
  void put_varint(std::uint64_t value);

  // Overwrites what was put at `offset` before.
  template <typename T>
  requires std::is_arithmetic_v<T>
  void patch(std::size_t offset, T value) {
    std::memcpy(buffer_.data() + offset, &value, sizeof value);
  }
  std::size_t size() const { return buffer_.size(); }
  const Bytes& buffer() const { return buffer_; }
  Bytes take() { return std::move(buffer_); }

 private:
  Bytes buffer_;
};

// Reads never pass the end: a short read is Errc::malformed and names the offset.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : bytes_(bytes) {}

  template <typename T>
  requires std::is_arithmetic_v<T> Result<T> get() {
    if (left() < sizeof(T)) return truncated(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof value);
    offset_ += sizeof value;
    return value;
  }
  // So many values, which are not made room for before they are there.
  template <typename T>
  requires std::is_arithmetic_v<T> Result<void> get_all(std::vector<T>& values, std::size_t count) {
    if (count > left() / sizeof(T)) return truncated(std::min(count, left()) * sizeof(T));
    values.resize(count);
    if (count != 0) std::memcpy(values.data(), bytes_.data() + offset_, count * sizeof(T));
    offset_ += count * sizeof(T);
    return {};
  }
  Result<std::uint64_t> get_varint();
  Result<ByteSpan> take(std::size_t n);

  std::size_t offset() const { return offset_; }
  std::size_t left() const { return bytes_.size() - offset_; }
  bool done() const { return left() == 0; }

 private:
  Error truncated(std::size_t wanted) const;

  ByteSpan bytes_;
  std::size_t offset_ = 0;
};

}  // namespace etalon
