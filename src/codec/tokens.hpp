// Unsigned numbers as a token, which the entropy coder codes, and raw bits that follow. Below
// 2^split the token is the number; above, it names the octave and the two bits after the leading
// one, as in JPEG XL's hybrid integers (ISO/IEC 18181-1, C.3.3).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.hpp"

namespace etalon::codec {

inline constexpr unsigned narrow_split = 5, wide_split = 7;

struct Token {
  std::uint8_t symbol;
  std::uint8_t bits;  // how many raw bits follow: the low ones of the number
};

constexpr std::size_t token_count(unsigned split) { return (1u << split) + (32 - split) * 4; }

inline Token token_of(std::uint32_t value, unsigned split) {
  // Without branches: nobody foretells which values are small.
  const auto n = static_cast<unsigned>(std::bit_width(value | 1u << split)) - 1;
  const unsigned large = (1u << split) + ((n - split) << 2) + ((value >> (n - 2)) & 3);
  const bool small = value < (1u << split);
  return {static_cast<std::uint8_t>(small ? value : large),
          static_cast<std::uint8_t>(small ? 0 : n - 2)};
}
// The same of a number below 2^24 for loops over vectors: a float holds it exactly, and shows its
// octave and the digits after the leading one.
struct VectorToken {
  std::uint32_t symbol, bits;
};
inline VectorToken vector_token_of(std::uint32_t value, unsigned split) {
  const auto f = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(value)));
  constexpr std::uint32_t bias = 127;
  const std::uint32_t large = (f >> 21) - ((bias + split) << 2) + (1u << split);
  const std::uint32_t is_large = 0u - (value >> split != 0);  // all ones, or none
  return {(value & ~is_large) | (large & is_large), ((f >> 23) - bias - 2) & is_large};
}
constexpr unsigned raw_bits_of(std::uint8_t symbol, unsigned split) {
  return symbol < (1u << split) ? 0 : split + ((symbol - (1u << split)) >> 2) - 2;
}
constexpr std::uint32_t value_of(std::uint8_t symbol, std::uint32_t raw, unsigned split) {
  if (symbol < (1u << split)) return symbol;
  return (4u | ((symbol - (1u << split)) & 3)) << raw_bits_of(symbol, split) | raw;
}

// The least value of every token, and how many raw bits it has. escape_symbol has none.
template <unsigned split>
class TokenTable {
 public:
  struct Entry {
    std::uint32_t least;
    std::uint32_t bits, mask;  // how many, and where they stand
  };
  TokenTable() {
    for (std::size_t t = 0; t < token_count(split); ++t) {
      const auto symbol = static_cast<std::uint8_t>(t);
      const unsigned bits = raw_bits_of(symbol, split);
      entries_[t] = {value_of(symbol, 0, split), bits, (1u << bits) - 1};
    }
  }
  const Entry& operator[](std::uint8_t token) const { return entries_[token]; }

 private:
  std::array<Entry, 256> entries_{};
};

// Bits, the first one lowest.
class BitWriter {
 public:
  void put(std::uint32_t value, unsigned bits) {  // at most 32, those above them 0
    if (bytes_.size() < at_ + 8) bytes_.resize(2 * bytes_.size() + 64);
    pending_ |= std::uint64_t{value} << used_;
    used_ += bits;
    std::memcpy(bytes_.data() + at_, &pending_, 8);
    at_ += used_ / 8;
    pending_ >>= used_ / 8 * 8;
    used_ %= 8;
  }
  // The low lengths[k] of values[k], at most 56 each, those above them 0.
  void put_all(const std::uint64_t* values, const std::uint32_t* lengths, std::size_t n) {
    if (bytes_.size() < at_ + 7 * n + 8) bytes_.resize(2 * bytes_.size() + 7 * n + 64);
    std::byte* to = bytes_.data() + at_;
    std::uint64_t pending = pending_;
    unsigned used = used_;
    for (std::size_t k = 0; k < n; ++k) {
      pending |= values[k] << used;
      used += lengths[k];
      std::memcpy(to, &pending, 8);
      to += used / 8;
      pending >>= used & 56;
      used &= 7;
    }
    at_ = static_cast<std::size_t>(to - bytes_.data());
    pending_ = pending;
    used_ = used;
  }
  Bytes finish() {
    bytes_.resize(at_ + (used_ != 0));
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;  // of which at_ are whole
  std::size_t at_ = 0;
  std::uint64_t pending_ = 0;
  unsigned used_ = 0;
};

// Reads zeros past the end, and knows that it did.
class BitReader {
 public:
  explicit BitReader(ByteSpan bytes) : bytes_(bytes) {}
  std::uint32_t get(unsigned bits) {  // at most 32
    const std::size_t byte = at_ >> 3;
    std::uint64_t window = 0;
    if (byte + 8 <= bytes_.size())
      std::memcpy(&window, bytes_.data() + byte, 8);
    else if (byte < bytes_.size())
      std::memcpy(&window, bytes_.data() + byte, bytes_.size() - byte);
    const auto value =
        static_cast<std::uint32_t>((window >> (at_ & 7)) & ((std::uint64_t{1} << bits) - 1));
    at_ += bits;
    return value;
  }
  // What follows each of n tokens, whose values it makes of them.
  template <unsigned split>
  void get_all(const TokenTable<split>& table, const std::uint8_t* tokens, std::size_t n,
               std::uint32_t* values) {
    if (at_ / 8 + n * 4 + 8 > bytes_.size()) {
      for (std::size_t k = 0; k < n; ++k)
        values[k] = table[tokens[k]].least | get(table[tokens[k]].bits);
      return;
    }
    std::uint64_t at = at_;
    const auto window = [&, bytes = bytes_.data()] {
      std::uint64_t w;
      std::memcpy(&w, bytes + (at >> 3), 8);
      return w >> (at & 7);
    };
    const auto one = [&](std::size_t k) {
      const auto& e = table[tokens[k]];
      values[k] = e.least | (static_cast<std::uint32_t>(window()) & e.mask);
      at += e.bits;
    };
    std::size_t k = 0;
    for (; k + 2 <= n; k += 2) {  // two at once, where a window holds both
      const auto &a = table[tokens[k]], &b = table[tokens[k + 1]];
      if (a.bits + b.bits > 56) {
        one(k);
        one(k + 1);
        continue;
      }
      const std::uint64_t w = window();
      values[k] = a.least | (static_cast<std::uint32_t>(w) & a.mask);
      values[k + 1] = b.least | (static_cast<std::uint32_t>(w >> a.bits) & b.mask);
      at += a.bits + b.bits;
    }
    if (k < n) one(k);
    at_ = at;
  }
  std::size_t bytes_read() const { return (at_ + 7) / 8; }  // more than there are if past the end
  // Of the last byte read, and of all after it.
  bool byte_ends_in_zeros() const {
    return (at_ & 7) == 0 || bytes_read() > bytes_.size() ||
           static_cast<unsigned>(bytes_[at_ / 8]) >> (at_ & 7) == 0;
  }
  bool only_zeros_left() const {
    for (std::size_t byte = bytes_read(); byte < bytes_.size(); ++byte)
      if (bytes_[byte] != std::byte{0}) return false;
    return byte_ends_in_zeros();
  }

 private:
  ByteSpan bytes_;
  std::uint64_t at_ = 0;
};

}  // namespace etalon::codec
