#include <algorithm>
#include <cmath>
#include <limits>

#include "etalon/codec.hpp"

namespace etalon {
namespace {

bool needs_range(const Bound& bound) {
  return bound.kind == Bound::Kind::rel && bound.low == 0 && bound.high == 0;
}

}  // namespace

void ValueRange::add(const ArrayView& piece) {
  visit(piece.dtype, [&](auto zero) {
    using T = decltype(zero);
    using L = std::numeric_limits<T>;
    const auto values = piece.as<T>();
    // Side by side, for vectors; what is not finite is larger than the largest, or compares false.
    constexpr std::size_t width = 16;
    T least[width], most[width];
    std::fill_n(least, width, L::max());
    std::fill_n(most, width, L::lowest());
    const auto look = [&](std::size_t w, T v) {
      least[w] = v >= L::lowest() && v < least[w] ? v : least[w];
      most[w] = v <= L::max() && v > most[w] ? v : most[w];
    };
    std::size_t i = 0;
    for (; i + width <= values.size(); i += width)
      for (std::size_t w = 0; w < width; ++w) look(w, values[i + w]);
    for (; i < values.size(); ++i) look(0, values[i]);
    const auto below = static_cast<double>(*std::min_element(least, least + width));
    const auto above = static_cast<double>(*std::max_element(most, most + width));
    if (below > above) return;  // none is finite
    low = std::min(low, below);
    high = std::max(high, above);
  });
}

bool needs_range(const CompressOptions& options) {
  return needs_range(options.bound) ||
         std::any_of(options.regions.begin(), options.regions.end(),
                     [](const Region& r) { return needs_range(r.bound); });
}

CompressOptions with_ranges(CompressOptions options, const ValueRange& range) {
  const auto settle = [&](Bound& b) {
    if (!needs_range(b)) return;
    if (range.width() > 0 && std::isfinite(range.width()))
      b = Bound::rel(b.value, range.low, range.high);
    else
      b = Bound::lossless();
  };
  settle(options.bound);
  for (Region& r : options.regions) settle(r.bound);
  return options;
}

CompressOptions with_ranges(CompressOptions options, const ArrayView& whole) {
  if (!needs_range(options)) return options;
  ValueRange range;
  range.add(whole);
  return with_ranges(std::move(options), range);
}

}  // namespace etalon
