// Interleaved range-asymmetric numeral systems with static tables: J. Duda, arXiv:1311.2540 (2013);
// F. Giesen, arXiv:1402.3392 (2014). 32-bit states of which each symbol moves one, 16-bit words,
// 12-bit probabilities. Symbol i belongs to lane i mod lanes and to the table context[i].
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/scratch.hpp"
#include "codec/side_coder.hpp"
#include "etalon/result.hpp"

namespace etalon::codec {

inline constexpr unsigned probability_bits = 12;
inline constexpr std::uint32_t probability_one = 1u << probability_bits;
inline constexpr std::uint32_t least_state = 1u << 16;

// Frequencies of the 256 symbols; they add up to probability_one.
using Frequencies = std::array<std::uint16_t, 256>;
using Histogram = std::array<std::uint32_t, 256>;

// The nearest frequencies under which every symbol that occurs can be coded. An empty histogram
// gives all to symbol 0.
Frequencies normalize(const Histogram& histogram);
// Bits that coding the histogram under the frequencies takes.
double cost_bits(const Histogram& histogram, const Frequencies& frequencies);
// Estimate of cost_bits plus the table itself, without building it.
double entropy_bits(std::span<const std::uint32_t> histogram);

// Stands for all symbols too rare for a frequency of their own, where tables have `escapes`: what
// they are is told elsewhere.
inline constexpr std::uint8_t escape_symbol = 255;
// Tables one after the other. Frequencies fall off along a row and resemble the table before, hence
// the contexts.
class TableCoder {
 public:
  explicit TableCoder(bool escapes) : escapes_(escapes) {}
  void put(SideEncoder& out, const Frequencies& table);
  Result<Frequencies> get(SideDecoder& in, std::size_t symbols);

 private:
  bool escapes_;
  UintModel escape_;
  std::array<UintModel, 14> next_;
  UintModel last_;
  std::int64_t last_before_ = 0;
};

// How many lanes n symbols get; both sides compute it.
constexpr std::size_t lanes_of(std::size_t n) { return n >= 8192 ? 32 : n >= 256 ? 4 : 1; }

// States and words: u32 state per lane, then u16 words in the order in which they are read. Symbols
// without a frequency are coded as escape_symbol. Coding starts from states, which decoding ends
// with, and half of each is free: they carry the first bytes of `cargo`, up to two a lane.
Bytes rans_encode(std::span<const std::uint8_t> contexts, std::span<const std::uint8_t> symbols,
                  std::span<const Frequencies> tables, ByteSpan cargo = {});
// Returns the cargo, two bytes a lane. Every context must be below tables.size(). Errc::malformed
// when the bytes do not end where the symbols do.
Result<Bytes> rans_decode(ByteSpan bytes, std::span<const std::uint8_t> contexts,
                          std::span<const Frequencies> tables, std::span<std::uint8_t> symbols);

// One slot of a decoding table: symbol | (frequency - 1) << 8 | (slot - first slot) << 20.
using Slots = Scratch<std::uint32_t>;
Slots decoding_slots(std::span<const Frequencies> tables);

// One slot of an encoding table, of symbol s of table t at t * 256 + s: frequency | first slot
// << 16.
Slots encoding_slots(std::span<const Frequencies> tables);

// The encoding loop over whole groups of 32 symbols, the last group first: writes words before
// `word`, in the order in which they are read, and returns where they begin. There is room for 32
// words more than symbols, which may come to hold anything.
std::uint16_t* rans_encode_groups_ref(const std::uint8_t* contexts, const std::uint8_t* symbols,
                                      std::size_t n, const std::uint32_t* slots,
                                      std::uint32_t* states, std::uint16_t* word);
std::uint16_t* rans_encode_groups(const std::uint8_t* contexts, const std::uint8_t* symbols,
                                  std::size_t n, const std::uint32_t* slots, std::uint32_t* states,
                                  std::uint16_t* word);

// The decoding loop over whole groups of 32 symbols: moves `at` over the words that it read, and
// returns how many symbols it decoded; it stops where fewer than 32 words may be left.
std::size_t rans_decode_groups_ref(const std::uint8_t* contexts, std::size_t n,
                                   const std::uint32_t* slots, std::uint32_t* states,
                                   const std::byte* words, std::size_t word_count, std::size_t& at,
                                   std::uint8_t* symbols);
std::size_t rans_decode_groups(const std::uint8_t* contexts, std::size_t n,
                               const std::uint32_t* slots, std::uint32_t* states,
                               const std::byte* words, std::size_t word_count, std::size_t& at,
                               std::uint8_t* symbols);

}  // namespace etalon::codec
