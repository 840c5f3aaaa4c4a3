#include <algorithm>
#include <cmath>

#include "etalon/codec.hpp"

namespace etalon {
namespace {

bool needs_range(const Bound& bound) {
  return bound.kind == Bound::Kind::rel && bound.low == 0 && bound.high == 0;
}

}  // namespace

void ValueRange::add(const ArrayView& piece) {
  visit(piece.dtype, [&](auto zero) {
    for (const auto v : piece.as<decltype(zero)>()) {
      const auto x = static_cast<double>(v);
      if (!std::isfinite(x)) continue;
      low = std::min(low, x);
      high = std::max(high, x);
    }
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
