// Side information (maps, tables, rectangles) through an adaptive binary range coder: no tables of
// its own, so that small things stay small. After Martin, "Range encoding" (1979), with carries
// propagated into the bytes already written; probabilities adapt fast first, slower later.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.hpp"

namespace etalon::codec {

// Probability of a 0 bit, in 1/65536.
class BitModel {
 public:
  std::uint32_t p0() const { return p0_; }
  void learn(bool bit) {
    // The mean of what was seen, and of the last ones once that is many.
    constexpr unsigned slowest = 40;
    const std::uint32_t share = seen_ + 2;
    if (seen_ + 2 < slowest) ++seen_;
    if (bit)
      p0_ -= p0_ / share;
    else
      p0_ += (65536 - p0_) / share;
    if (p0_ < 64) p0_ = 64;
    if (p0_ > 65536 - 64) p0_ = 65536 - 64;
  }

 private:
  std::uint32_t p0_ = 32768;
  unsigned seen_ = 0;
};

// Numbers below 2^62 as Elias-gamma codes of value + 1 whose length and leading bit are modelled.
struct UintModel {
  static constexpr std::uint64_t limit = std::uint64_t{1} << 62;
  std::array<BitModel, 64> length, top;
};

// The same with up to four digits after the leading one modelled: for numbers that crowd somewhere.
struct CrowdModel {
  std::array<BitModel, 64> length;
  std::array<std::array<BitModel, 16>, 64> digits;
};

// Below it a range takes in a byte.
inline constexpr std::uint32_t least_side_range = 1u << 24;

class SideEncoder {
 public:
  void put_bit(BitModel& model, bool bit);
  void put_with(std::uint32_t p0, bool bit);  // probability of 0 in 1/65536, 32 to 65504
  void put(UintModel& model, std::uint64_t value);
  void put(CrowdModel& model, std::uint64_t value);
  void put_raw(std::uint64_t value, unsigned bits);        // bits <= 64, equally likely
  void put_below(std::uint32_t value, std::uint32_t end);  // value < end <= 2^16, equally likely
  Bytes finish();

 private:
  void emit();
  void raise(std::uint32_t by);
  unsigned put_length(std::array<BitModel, 64>& models, std::uint64_t number);
  void narrow(std::uint32_t bound, bool bit);

  Bytes bytes_;
  std::uint32_t low_ = 0, range_ = 0xFFFFFFFF;
};

// Reads what SideEncoder wrote. Bytes past the end read as zero, since up to four trailing zeros
// are not stored; `exhausted` tells that more were read than any encoder leaves out.
class SideDecoder {
 public:
  explicit SideDecoder(ByteSpan bytes);
  bool get_bit(BitModel& model);
  bool get_with(std::uint32_t p0);
  std::uint64_t get(UintModel& model);
  std::uint64_t get(CrowdModel& model);
  std::uint64_t get_raw(unsigned bits);
  std::uint32_t get_below(std::uint32_t end);  // from damaged bytes also `end` and above
  bool exhausted() const { return at_ > bytes_.size() + 4; }

 private:
  unsigned get_length(std::array<BitModel, 64>& models);
  bool decide(std::uint32_t bound);
  std::uint32_t next();

  ByteSpan bytes_;
  std::size_t at_ = 0;
  std::uint32_t code_ = 0, range_ = 0xFFFFFFFF;
};

// The steps that every bit takes.
inline void SideEncoder::emit() {
  bytes_.push_back(static_cast<std::byte>(low_ >> 24));
  low_ <<= 8;
  range_ <<= 8;
}

inline void SideEncoder::raise(std::uint32_t by) {
  const std::uint32_t before = low_;
  low_ += by;
  if (low_ >= before) return;
  for (std::size_t i = bytes_.size(); i-- > 0;) {
    bytes_[i] = static_cast<std::byte>(static_cast<unsigned>(bytes_[i]) + 1);
    if (bytes_[i] != std::byte{0}) break;
  }
}

inline void SideEncoder::narrow(std::uint32_t bound, bool bit) {
  if (bit) {
    raise(bound);
    range_ -= bound;
  } else {
    range_ = bound;
  }
  while (range_ < least_side_range) emit();
}

inline void SideEncoder::put_bit(BitModel& model, bool bit) {
  narrow((range_ >> 16) * model.p0(), bit);
  model.learn(bit);
}

inline void SideEncoder::put_with(std::uint32_t p0, bool bit) { narrow((range_ >> 16) * p0, bit); }

inline std::uint32_t SideDecoder::next() {
  const std::size_t at = at_++;
  return at < bytes_.size() ? static_cast<std::uint32_t>(bytes_[at]) : 0;
}

inline bool SideDecoder::decide(std::uint32_t bound) {
  const bool bit = code_ >= bound;
  if (bit) {
    code_ -= bound;
    range_ -= bound;
  } else {
    range_ = bound;
  }
  while (range_ < least_side_range) {
    range_ <<= 8;
    code_ = code_ << 8 | next();
  }
  return bit;
}

inline bool SideDecoder::get_bit(BitModel& model) {
  const bool bit = decide((range_ >> 16) * model.p0());
  model.learn(bit);
  return bit;
}

inline bool SideDecoder::get_with(std::uint32_t p0) { return decide((range_ >> 16) * p0); }

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

}  // namespace etalon::codec
