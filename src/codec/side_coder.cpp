#include "codec/side_coder.hpp"

#include <bit>

namespace etalon::codec {

// Digits after the leading one.
unsigned SideEncoder::put_length(std::array<BitModel, 64>& models, std::uint64_t number) {
  const unsigned length = static_cast<unsigned>(std::bit_width(number)) - 1;
  for (unsigned i = 0; i < length; ++i) put_bit(models[i], true);
  put_bit(models[length], false);
  return length;
}

void SideEncoder::put(UintModel& model, std::uint64_t value) {
  const std::uint64_t v = value + 1;
  const unsigned length = put_length(model.length, v);
  if (length == 0) return;
  put_bit(model.top[length], (v >> (length - 1)) & 1);
  put_raw(v & ((std::uint64_t{1} << (length - 1)) - 1), length - 1);
}

void SideEncoder::put(CrowdModel& model, std::uint64_t value) {
  const std::uint64_t v = value + 1;
  const unsigned length = put_length(model.length, v);
  unsigned left = length;
  for (unsigned node = 1; node < 16 && left > 0;) {
    const bool digit = (v >> --left) & 1;
    put_bit(model.digits[length][node], digit);
    node = 2 * node + digit;
  }
  put_raw(v, left);
}

void SideEncoder::put_raw(std::uint64_t value, unsigned bits) {
  while (bits-- > 0) narrow(range_ >> 1, (value >> bits) & 1);
}

void SideEncoder::put_below(std::uint32_t value, std::uint32_t end) {
  range_ /= end;
  raise(value * range_);
  while (range_ < least_side_range) emit();
}

Bytes SideEncoder::finish() {
  // The number with the most trailing zeros that the range holds: one byte says it.
  raise((0u - low_) & (least_side_range - 1));
  for (int i = 0; i < 4; ++i) emit();
  for (int i = 0; i < 4 && !bytes_.empty() && bytes_.back() == std::byte{0}; ++i) bytes_.pop_back();
  return std::move(bytes_);
}

SideDecoder::SideDecoder(ByteSpan bytes) : bytes_(bytes) {
  for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next();
}

unsigned SideDecoder::get_length(std::array<BitModel, 64>& models) {
  unsigned length = 0;
  while (length < 62 && get_bit(models[length])) ++length;
  return length;
}

std::uint64_t SideDecoder::get(UintModel& model) {
  const unsigned length = get_length(model.length);
  if (length == 0) return 0;
  std::uint64_t v = 2 | (get_bit(model.top[length]) ? 1 : 0);
  v = v << (length - 1) | get_raw(length - 1);
  return v - 1;
}

std::uint64_t SideDecoder::get(CrowdModel& model) {
  const unsigned length = get_length(model.length);
  std::uint64_t v = 1;
  unsigned left = length;
  while (v < 16 && left > 0) {
    v = v << 1 | (get_bit(model.digits[length][v]) ? 1 : 0);
    --left;
  }
  return (v << left | get_raw(left)) - 1;
}

std::uint64_t SideDecoder::get_raw(unsigned bits) {
  std::uint64_t value = 0;
  while (bits-- > 0) value = value << 1 | (decide(range_ >> 1) ? 1 : 0);
  return value;
}

std::uint32_t SideDecoder::get_below(std::uint32_t end) {
  range_ /= end;
  const std::uint32_t value = code_ / range_;
  if (value >= end) return value;
  code_ -= value * range_;
  while (range_ < least_side_range) {
    range_ <<= 8;
    code_ = code_ << 8 | next();
  }
  return value;
}

}  // namespace etalon::codec
