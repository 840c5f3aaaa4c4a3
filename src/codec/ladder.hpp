// Integers within a bound that grows with them (pwrel, sigma): bins as wide as the bound allows,
// one after the other from 0 up and, for negative numbers, from -1 down. A number is coded as that
// of its bin and comes back as the bin's middle. Up to the first bin that holds two numbers, and
// beyond the last one that is kept, every number is a bin of its own.
//
// From the lowest number `lo` of a bin its middle is lo + floor(tolerance(lo)), its highest the
// last x with x - middle <= tolerance(x). Only +, *, sqrt and floor of doubles are used, which
// IEEE 754 defines to the bit.
#pragma once

#include <cstdint>
#include <vector>

#include "etalon/codec.hpp"

namespace etalon::codec {

// One direction: magnitudes from `first` up, under the tolerance of sign * magnitude.
class HalfLadder {
 public:
  static constexpr std::size_t max_bins = std::size_t{1} << 20;

  HalfLadder(const Bound& bound, std::uint64_t first, double sign);
  std::uint64_t index(std::uint64_t magnitude);  // from 0
  std::uint64_t middle(std::uint64_t index);     // of any index: it may exceed 2^32

 private:
  double tolerance(std::uint64_t magnitude) const;
  void add_bin();

  Bound bound_;
  double sign_;
  std::uint64_t first_, wide_;  // the first magnitude whose bin holds another
  std::vector<std::uint64_t> ends_, middles_;
};

class Ladder {
 public:
  explicit Ladder(const Bound& bound) : up_(bound, 0, 1), down_(bound, 1, -1) {}
  std::int64_t index(std::int64_t x) {
    return x >= 0 ? static_cast<std::int64_t>(up_.index(static_cast<std::uint64_t>(x)))
                  : -1 - static_cast<std::int64_t>(down_.index(static_cast<std::uint64_t>(-x)));
  }
  std::int64_t middle(std::int64_t index) {
    return index >= 0
               ? static_cast<std::int64_t>(up_.middle(static_cast<std::uint64_t>(index)))
               : -static_cast<std::int64_t>(down_.middle(static_cast<std::uint64_t>(-1 - index)));
  }

 private:
  HalfLadder up_, down_;
};

}  // namespace etalon::codec
