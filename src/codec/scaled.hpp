// Floats within bounds: numbers of a scale on which the bound is even, through the counts engine,
// and what the scale cannot hold exactly as it is. For abs and rel the scale is a grid fine enough
// for the tightest such bound; for pwrel it is the bit pattern, whose steps are relative ones; for
// sigma it is the square root of the variance.
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

// How the elements of one label become numbers and back. Only operations that IEEE 754 defines to
// the bit.
class Scale {
 public:
  // `step` is that of the common grid. T is float or double.
  template <typename T>
  static Scale of(const Bound& bound, double step);

  // The number of an ordinary element, unless the label keeps its bits or the number has more than
  // 30 bits. `dither` in steps, 0 for none; only grids are dithered.
  template <typename T>
  std::optional<std::int32_t> number(T x, double dither) const;
  template <typename T>
  T value(std::int32_t number, double dither) const;
  bool is_common_grid() const { return kind_ == Kind::grid; }
  bool keeps_bits() const { return kind_ == Kind::bits; }

 private:
  enum class Kind { bits, grid, own_grid, pattern, root };
  Kind kind_ = Kind::bits;
  double step_ = 0;                                  // grids; root: in the root of the variance
  double gain_ = 0, noise_ = 0, negative_step_ = 0;  // root
  std::int64_t width_ = 1;                           // pattern
};

// Every bound is verified on the decoded elements. Nothing where every label keeps its bits or the
// scales serve too few elements. T is float or double; `layout.bounds` and `.fills` are not
// looked at. The label fills.patterns.size() + 1 of the stream's fills marks exact elements.
template <typename T>
std::optional<ScaledStream> encode_scaled(std::span<const T> values, const CountsLayout& layout,
                                          const std::vector<Bound>& bounds, const Fills& fills,
                                          std::span<const std::uint8_t> good,
                                          std::optional<std::uint64_t> dither,
                                          CountsReport& report);

}  // namespace etalon::codec
