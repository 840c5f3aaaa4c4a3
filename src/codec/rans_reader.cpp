#include "codec/rans_reader.hpp"

#include <cstring>

#include "codec/tokens.hpp"

namespace etalon::codec {

Result<RansReader> RansReader::create(ByteSpan bytes, std::size_t count,
                                      std::span<const Frequencies> tables) {
  RansReader r;
  r.lanes_ = lanes_of(count);
  BitReader packed(bytes);
  for (std::size_t lane = 0; lane < r.lanes_; ++lane) {
    const unsigned digits = packed.get(4) + 17;
    r.states_[lane] = 1u << (digits - 1) | packed.get(digits - 1);
  }
  const std::size_t packed_bytes = packed.bytes_read();
  if (packed_bytes > bytes.size() || (bytes.size() - packed_bytes) % 2 != 0)
    return Error{Errc::malformed, "symbols: truncated"};
  if (!packed.byte_ends_in_zeros()) return Error{Errc::malformed, "symbols: impossible state"};
  r.words_ = bytes.data() + packed_bytes;
  r.word_count_ = (bytes.size() - packed_bytes) / 2;
  r.slots_ = decoding_slots(tables);
  return r;
}

Result<void> RansReader::read(std::span<const std::uint8_t> contexts, std::uint8_t* symbols) {
  const std::size_t n = contexts.size();
  std::size_t i = 0;
  if (lanes_ == 32)
    i = rans_decode_groups(contexts.data(), n, slots_.data(), states_.data(), words_, word_count_,
                           word_, symbols);
  for (; i < n; ++i) {
    std::uint32_t& x = states_[(read_ + i) & (lanes_ - 1)];
    const std::uint32_t slot =
        slots_[(std::size_t{contexts[i]} << probability_bits) + (x & (probability_one - 1))];
    x = ((slot >> 8 & 0xFFF) + 1) * (x >> probability_bits) + (slot >> 20);
    symbols[i] = static_cast<std::uint8_t>(slot);
    if (x >= least_state) continue;
    if (word_ == word_count_) return Error{Errc::malformed, "symbols: truncated"};
    std::uint16_t word;
    std::memcpy(&word, words_ + 2 * word_++, 2);
    x = x << 16 | word;
  }
  read_ += n;
  return {};
}

Result<void> RansReader::finish() const {
  if (word_ != word_count_) return Error{Errc::malformed, "symbols: words left over"};
  for (std::size_t lane = 0; lane < lanes_; ++lane)
    if (states_[lane] != least_state) return Error{Errc::malformed, "symbols: wrong final state"};
  return {};
}

}  // namespace etalon::codec
