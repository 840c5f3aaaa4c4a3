// A range of values along an axis and its ticks.
#pragma once

#include <string>
#include <vector>

#include "plot/plot.hpp"

namespace etalon::plot {

struct Tick {
  double value = 0;
  std::string label;     // "0.25"; of a power of ten too long to write out: "10"
  std::string exponent;  // then its exponent, else empty
};

struct Range {
  double low = 0, high = 1;
  bool log = false;

  // 0 at low, 1 at high.
  double share(double value) const;
};

// The axis' own range, or one with a margin round `values` (those that the axis can show). Without
// any, 0 to 1, or 1 to 10. Errc::usage for a range that is empty, not finite or, with log, not
// positive.
Result<Range> range_of(const Axis& axis, const std::vector<double>& values, double margin);

// At multiples of 1, 2 or 5 times a power of ten, about `wanted` of them; with log, at powers of
// ten, or at their multiples where the range has fewer than two powers.
std::vector<Tick> ticks_of(const Range& range, int wanted);

}  // namespace etalon::plot
