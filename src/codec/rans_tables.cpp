#include <cmath>

#include "codec/rans.hpp"

namespace etalon::codec {
namespace {

// log2(n) and n log2(n) of small numbers, as they are computed.
struct Logarithms {
  std::array<double, probability_one + 1> log{}, product{};
  Logarithms() {
    for (std::size_t n = 1; n <= probability_one; ++n) {
      log[n] = std::log2(static_cast<double>(n));
      product[n] = static_cast<double>(n) * log[n];
    }
  }
};
const Logarithms& logarithms() {
  static const Logarithms all;
  return all;
}

}  // namespace

Frequencies normalize(const Histogram& histogram) {
  Frequencies f{};
  std::uint64_t total = 0;
  for (std::uint32_t h : histogram) total += h;
  if (total == 0) {
    f[0] = probability_one;
    return f;
  }
  std::int64_t left = probability_one;
  std::array<std::uint8_t, 256> used;
  std::size_t count = 0;
  for (std::size_t s = 0; s < 256; ++s) {
    if (histogram[s] == 0) continue;
    used[count++] = static_cast<std::uint8_t>(s);
    const std::uint64_t share = (histogram[s] * std::uint64_t{probability_one} + total / 2) / total;
    f[s] = static_cast<std::uint16_t>(share == 0 ? 1 : share);
    left -= f[s];
  }
  // Rounding is settled where it costs the fewest bits: d(bits)/df = histogram / f.
  while (left != 0) {
    std::size_t best = 256;
    double best_score = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t s = used[k];
      if (left < 0 && f[s] == 1) continue;
      const double score =
          left > 0 ? double(histogram[s]) / (f[s] + 0.5) : -double(histogram[s]) / (f[s] - 0.5);
      if (best == 256 || score > best_score) {
        best = s;
        best_score = score;
      }
    }
    f[best] = static_cast<std::uint16_t>(f[best] + (left > 0 ? 1 : -1));
    left += left > 0 ? -1 : 1;
  }
  return f;
}

double cost_bits(const Histogram& histogram, const Frequencies& frequencies) {
  const auto& log = logarithms().log;
  double bits = 0;
  for (std::size_t s = 0; s < 256; ++s)
    if (histogram[s] != 0) bits += histogram[s] * (probability_bits - log[frequencies[s]]);
  return bits;
}

double entropy_bits(std::span<const std::uint32_t> histogram) {
  const auto& product = logarithms().product;
  double total = 0, bits = 0;
  std::size_t used = 0;
  for (std::uint32_t h : histogram) {
    if (h == 0) continue;
    total += h;
    bits -= h < product.size() ? product[h] : h * std::log2(static_cast<double>(h));
    ++used;
  }
  if (used == 0) return 0;
  return bits + total * std::log2(total) + (used == 1 ? 8.0 : 9.0 * static_cast<double>(used));
}

namespace {

std::size_t context_of(unsigned before) { return static_cast<std::size_t>(std::bit_width(before)); }

}  // namespace

void TableCoder::put(SideEncoder& out, const Frequencies& f) {
  std::size_t last = escapes_ ? 254 : 255;
  while (f[last] == 0) --last;
  if (escapes_) out.put(escape_, f[escape_symbol]);
  out.put(last_, zigzag(static_cast<std::int64_t>(last) - last_before_));
  last_before_ = static_cast<std::int64_t>(last);
  unsigned before = probability_one;
  for (std::size_t s = 0; s < last; ++s) {  // the last one is what is left
    out.put(next_[context_of(before)], f[s]);
    before = f[s];
  }
}

Result<Frequencies> TableCoder::get(SideDecoder& in, std::size_t symbols) {
  Frequencies f{};
  std::uint64_t left = probability_one;
  if (escapes_) {
    const std::uint64_t escape = in.get(escape_);
    if (escape >= left) return Error{Errc::malformed, "tables: frequencies exceed their sum"};
    f[escape_symbol] = static_cast<std::uint16_t>(escape);
    left -= escape;
  }
  last_before_ += unzigzag(in.get(last_));
  if (last_before_ < 0 || last_before_ >= static_cast<std::int64_t>(symbols) || in.exhausted())
    return Error{Errc::malformed, "tables: symbol out of range"};
  const auto last = static_cast<std::size_t>(last_before_);
  unsigned before = probability_one;
  for (std::size_t s = 0; s < last; ++s) {
    const std::uint64_t value = in.get(next_[context_of(before)]);
    if (value >= left) return Error{Errc::malformed, "tables: frequencies exceed their sum"};
    f[s] = static_cast<std::uint16_t>(value);
    before = static_cast<unsigned>(value);
    left -= value;
  }
  f[last] = static_cast<std::uint16_t>(left);
  if (in.exhausted()) return Error{Errc::malformed, "tables: truncated"};
  return f;
}

Slots encoding_slots(std::span<const Frequencies> tables) {
  Slots slots(tables.size() * 256);
  std::uint32_t* at = slots.data();
  for (const Frequencies& f : tables) {
    std::uint32_t first = 0;
    for (std::size_t s = 0; s < 256; first += f[s++]) at[s] = f[s] | first << 16;
    for (std::size_t s = 0; s < 256; ++s)
      if (f[s] == 0) at[s] = at[escape_symbol];
    at += 256;
  }
  return slots;
}

Slots decoding_slots(std::span<const Frequencies> tables) {
  Slots slots(tables.size() * probability_one);
  std::uint32_t* at = slots.data();
  for (const Frequencies& f : tables)
    for (std::uint32_t s = 0; s < 256; ++s)
      for (std::uint32_t i = 0; i < f[s]; ++i) *at++ = s | (f[s] - 1u) << 8 | i << 20;
  return slots;
}

}  // namespace etalon::codec
