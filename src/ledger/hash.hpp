// The names of things: SHA-256 of bytes and files, fast sums of raw frames, Merkle roots.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

// SHA-256 (FIPS 180-4).
struct Hash {
  std::array<std::uint8_t, 32> bytes{};

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads what is defaulted
  auto operator<=>(const Hash&) const = default;
  std::string hex() const;
  ByteSpan span() const { return std::as_bytes(std::span(bytes)); }
  static Result<Hash> from_hex(std::string_view hex);  // 64 digits of either case, else usage
};
Hash sha256(ByteSpan bytes);

// Called with the bytes hashed since the last call; false ends the work with Errc::interrupted.
using HashProgress = std::function<bool(std::uint64_t bytes)>;

// Of a regular file. Errc::missing when it is not there, usage when it is no regular file, io when
// it cannot be read.
Result<Hash> sha256_file(const std::string& path, const HashProgress& progress = {});

class Sha256 {  // of bytes that come in pieces
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(ByteSpan bytes);
  Hash finish();  // and starts anew

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// XXH3-128 of a raw frame (canonical, big-endian form): fast, not against an adversary; committed
// to by the Merkle root of its batch.
struct FrameSum {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const FrameSum&) const = default;
};
FrameSum frame_sum(ByteSpan bytes);

// Binary Merkle tree over the leaves in order (leaf and node prefixes as in RFC 9162 section 2.1),
// SHA-256.
Hash merkle_root(const std::vector<FrameSum>& leaves);
Hash merkle_root(const std::vector<ByteSpan>& leaves);

}  // namespace etalon
