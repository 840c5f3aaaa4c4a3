// Tables that a few numbers tell. Photons that arrive by chance at a rate which itself varies as a
// gamma distribution does are counted as a negative binomial distribution (M. Greenwood and G. U.
// Yule, J. R. Stat. Soc. 83 (1920) 255); at one rate, as a Poisson distribution. Where few elements
// share a table, this says it in two bytes instead of twenty.
#pragma once

#include <cstdint>
#include <optional>

#include "codec/rans.hpp"

namespace etalon::codec {

struct RateTable {
  std::uint8_t level = 65;   // of the mean, as log_mean tells it: 1..max_rate_level
  std::uint8_t shape = 8;    // variance = mean + mean^2 / r, r = 2^(shape / 2 - 2); 15: one rate
  std::uint16_t escape = 0;  // frequency of what lies above the last symbol that has a share
};
inline constexpr unsigned max_rate_level = 129;  // a mean of 256
inline constexpr unsigned rate_shapes = 16;
inline constexpr unsigned max_rate_escape = probability_one / 4;
inline constexpr std::uint32_t rate_numbers = 1024;  // numbers above escape

// Symbols are tokens.
Frequencies frequencies_of(const RateTable& table, unsigned split);

// Their parameters one after the other.
struct RateCoder {
  BitModel kind;  // whether a table is one of these

  // `first_class` is that of the elements, which the level is near.
  void put(SideEncoder& out, const RateTable& table, unsigned first_class);
  Result<RateTable> get(SideDecoder& in, unsigned first_class);

 private:
  UintModel level_, shape_, escape_;
};

// The table for tokens counted in a histogram, with about the bits that they and it take; nothing
// where none would do.
struct RateFit {
  RateTable table;
  double bits = 0;
};
std::optional<RateFit> fit_rate(std::span<const std::uint32_t> tokens, unsigned split,
                                bool thorough);

}  // namespace etalon::codec
