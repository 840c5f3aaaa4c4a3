// Floats within absolute bounds: a grid fine enough for the tightest bound, its integers through
// the counts engine, and what the grid cannot hold exactly as it is.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "codec/counts.hpp"
#include "codec/fills.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

struct ScaledStream {
  CountsStream stream;
  Bytes exact;
  double step = 0;
  std::vector<double> label_max_error;
};

// Every bound is verified on the decoded elements. Nothing where no label has a bound above 0 or
// the grid serves too few elements. T is float or double; `layout.bounds` and `.fills` are not
// looked at. The label fills.patterns.size() + 1 of the stream's fills marks exact elements.
template <typename T>
std::optional<ScaledStream> encode_scaled(std::span<const T> values, const CountsLayout& layout,
                                          const std::vector<Bound>& bounds, const Fills& fills,
                                          std::span<const std::uint8_t> good, CountsReport& report);

template <typename T>
T unscale(std::int32_t q, double step) {
  return static_cast<T>(q * step);
}

}  // namespace etalon::codec
