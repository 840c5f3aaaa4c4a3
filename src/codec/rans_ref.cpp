// The definition of the entropy coder, lane by lane.
#include <algorithm>
#include <bit>
#include <cstring>

#include "codec/rans.hpp"
#include "codec/scratch.hpp"
#include "codec/tokens.hpp"

namespace etalon::codec {
namespace {

// Division by a frequency f < 4096 of a state x < f * 2^20 as a multiplication:
// floor(x * ceil(2^44 / f) / 2^44), exact since x * f < 2^44 and free of overflow since f^2 < 2^24.
struct EncodingSlot {
  std::uint64_t reciprocal = 0;
  std::uint32_t frequency = 0, first = 0;
};

std::vector<EncodingSlot> encoding_slots(std::span<const Frequencies> tables) {
  std::vector<EncodingSlot> slots(tables.size() * 256);
  EncodingSlot* at = slots.data();
  for (const Frequencies& f : tables) {
    std::uint32_t first = 0;
    for (std::size_t s = 0; s < 256; ++s, ++at) {
      if (f[s] == 0) continue;
      at->frequency = f[s];
      at->first = first;
      at->reciprocal = ((std::uint64_t{1} << 44) + f[s] - 1) / f[s];
      first += f[s];
    }
    const EncodingSlot escape = at[-1];
    for (EncodingSlot* slot = at - 256; slot != at; ++slot)
      if (slot->frequency == 0) *slot = escape;
  }
  return slots;
}

std::uint16_t word_at(const std::byte* words, std::size_t index) {
  std::uint16_t word;
  std::memcpy(&word, words + 2 * index, 2);
  return word;
}

inline std::uint8_t advance(std::uint32_t& state, const std::uint32_t* table) {
  const std::uint32_t slot = table[state & (probability_one - 1)];
  state = ((slot >> 8 & 0xFFF) + 1) * (state >> probability_bits) + (slot >> 20);
  return static_cast<std::uint8_t>(slot);
}

}  // namespace

Bytes rans_encode(std::span<const std::uint8_t> contexts, std::span<const std::uint8_t> symbols,
                  std::span<const Frequencies> tables, ByteSpan cargo) {
  const std::size_t n = symbols.size(), lanes = lanes_of(n);
  const std::vector<EncodingSlot> slots = encoding_slots(tables);
  std::array<std::uint32_t, 32> states;
  states.fill(least_state);
  for (std::size_t k = 0; k < std::min(cargo.size(), 2 * lanes); ++k)
    states[k / 2] |= static_cast<std::uint32_t>(cargo[k]) << (8 * (k % 2));
  Scratch<std::uint16_t> words(n + 1);  // written from the end
  std::uint16_t* at = words.data() + words.size();
  for (std::size_t i = n; i-- > 0;) {
    const EncodingSlot& s = slots[std::size_t{contexts[i]} << 8 | symbols[i]];
    if (s.frequency == probability_one) continue;
    std::uint32_t x = states[i & (lanes - 1)];
    const bool full = x >= s.frequency << 20;
    *(at - 1) = static_cast<std::uint16_t>(x);
    at -= full;
    x = full ? x >> 16 : x;
    const auto quotient = static_cast<std::uint32_t>((x * s.reciprocal) >> 44);
    states[i & (lanes - 1)] = x + quotient * (probability_one - s.frequency) + s.first;
  }
  const auto count = static_cast<std::size_t>(words.data() + words.size() - at);
  // A state has 17 to 32 digits, each about as likely.
  BitWriter packed;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const auto digits = static_cast<unsigned>(std::bit_width(states[lane]));
    packed.put(digits - 17, 4);
    packed.put(states[lane] & ((1u << (digits - 1)) - 1), digits - 1);
  }
  Bytes bytes = packed.finish();
  const auto* first = reinterpret_cast<const std::byte*>(at);
  bytes.insert(bytes.end(), first, first + 2 * count);
  return bytes;
}

std::size_t rans_decode_groups_ref(const std::uint8_t* contexts, std::size_t n,
                                   const std::uint32_t* slots, std::uint32_t* states,
                                   const std::byte* words, std::size_t word_count, std::size_t& at,
                                   std::uint8_t* symbols) {
  std::size_t i = 0, word = at;
  for (; i + 32 <= n && word + 32 <= word_count; i += 32)
    for (std::size_t lane = 0; lane < 32; ++lane) {
      std::uint32_t x = states[lane];
      symbols[i + lane] = advance(x, slots + (std::size_t{contexts[i + lane]} << probability_bits));
      const bool low = x < least_state;
      const std::uint32_t refilled = x << 16 | word_at(words, word);
      states[lane] = low ? refilled : x;
      word += low;
    }
  at = word;
  return i;
}

Result<Bytes> rans_decode(ByteSpan bytes, std::span<const std::uint8_t> contexts,
                         std::span<const Frequencies> tables, std::span<std::uint8_t> symbols) {
  const std::size_t n = symbols.size(), lanes = lanes_of(n);
  std::array<std::uint32_t, 32> states{};
  BitReader packed(bytes);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const unsigned digits = packed.get(4) + 17;
    states[lane] = 1u << (digits - 1) | packed.get(digits - 1);
  }
  const std::size_t packed_bytes = packed.bytes_read();
  if (packed_bytes > bytes.size() || (bytes.size() - packed_bytes) % 2 != 0)
    return Error{Errc::malformed, "symbols: truncated"};
  if (!packed.byte_ends_in_zeros()) return Error{Errc::malformed, "symbols: impossible state"};
  const std::byte* const words = bytes.data() + packed_bytes;
  const std::size_t word_count = (bytes.size() - packed_bytes) / 2;
  const Slots slots = decoding_slots(tables);
  std::size_t at = 0, i = 0;
  if (lanes == 32)
    i = rans_decode_groups(contexts.data(), n, slots.data(), states.data(), words, word_count, at,
                           symbols.data());
  for (; i < n; ++i) {
    std::uint32_t& x = states[i & (lanes - 1)];
    symbols[i] = advance(x, slots.data() + (std::size_t{contexts[i]} << probability_bits));
    if (x >= least_state) continue;
    if (at == word_count) return Error{Errc::malformed, "symbols: truncated"};
    x = x << 16 | word_at(words, at++);
  }
  if (at != word_count) return Error{Errc::malformed, "symbols: words left over"};
  Bytes cargo;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (states[lane] >> 16 != 1) return Error{Errc::malformed, "symbols: wrong final state"};
    cargo.push_back(static_cast<std::byte>(states[lane]));
    cargo.push_back(static_cast<std::byte>(states[lane] >> 8));
  }
  return cargo;
}

}  // namespace etalon::codec
