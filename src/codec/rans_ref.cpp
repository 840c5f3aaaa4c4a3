// The definition of the entropy coder, lane by lane.
#include <algorithm>
#include <bit>
#include <cstring>

#include "codec/rans.hpp"
#include "codec/scratch.hpp"
#include "codec/tokens.hpp"

namespace etalon::codec {
namespace {

// Division by a frequency f as a multiplication: floor(x * ceil(2^44 / f) / 2^44), exact for states
// x < f * 2^20 since x * f < 2^44, and free of overflow.
constexpr auto reciprocals = [] {
  std::array<std::uint64_t, probability_one + 1> r{};
  for (std::uint64_t f = 1; f <= probability_one; ++f)
    r[f] = ((std::uint64_t{1} << 44) + f - 1) / f;
  return r;
}();

// Codes one symbol, and writes a word before `word` where the state has no room for it.
inline void retreat(std::uint32_t& state, std::uint32_t slot, std::uint16_t*& word) {
  const std::uint32_t frequency = slot & 0xFFFF;
  std::uint32_t x = state;
  const bool full = x >> 20 >= frequency;
  word[-1] = static_cast<std::uint16_t>(x);
  word -= full;
  x = full ? x >> 16 : x;
  const auto quotient = static_cast<std::uint32_t>((x * reciprocals[frequency]) >> 44);
  state = x + quotient * (probability_one - frequency) + (slot >> 16);
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
  const Slots slots = encoding_slots(tables);
  std::array<std::uint32_t, 32> states;
  states.fill(least_state);
  for (std::size_t k = 0; k < std::min(cargo.size(), 2 * lanes); ++k)
    states[k / 2] |= static_cast<std::uint32_t>(cargo[k]) << (8 * (k % 2));
  Scratch<std::uint16_t> words(n + 64);  // written from the end
  std::uint16_t* const end = words.data() + words.size();
  std::uint16_t* begin = end;
  const std::size_t groups = lanes == 32 ? n / 32 * 32 : 0;
  for (std::size_t i = n; i-- > groups;)
    retreat(states[i & (lanes - 1)], slots[std::size_t{contexts[i]} << 8 | symbols[i]], begin);
  if (groups != 0)
    begin = rans_encode_groups(contexts.data(), symbols.data(), groups, slots.data(), states.data(),
                               begin);
  // A state has 17 to 32 digits, each about as likely.
  BitWriter packed;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const auto digits = static_cast<unsigned>(std::bit_width(states[lane]));
    packed.put(digits - 17, 4);
    packed.put(states[lane] & ((1u << (digits - 1)) - 1), digits - 1);
  }
  Bytes bytes = packed.finish();
  const ByteSpan written = std::as_bytes(std::span(begin, end));
  bytes.insert(bytes.end(), written.begin(), written.end());
  return bytes;
}

std::uint16_t* rans_encode_groups_ref(const std::uint8_t* contexts, const std::uint8_t* symbols,
                                      std::size_t n, const std::uint32_t* slots,
                                      std::uint32_t* states, std::uint16_t* word) {
  for (std::size_t i = n; i-- > 0;)
    retreat(states[i & 31], slots[std::size_t{contexts[i]} << 8 | symbols[i]], word);
  return word;
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
