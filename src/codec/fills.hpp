// Constant elements that are worth a rectangle: module gaps, masked and saturated pixels, NaN.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/counts.hpp"
#include "etalon/array.hpp"

namespace etalon::codec {

struct Fills {
  std::vector<std::uint64_t> patterns;  // bits of the values, at most max_fills
  std::vector<std::uint8_t> map;        // label of every element; empty: none
  std::vector<Rect> rects;              // the same over (planes y, x)
  double largest = 0;                   // magnitude of a finite element, of floats
};

// `good` as CompressOptions::mask: what is constant under bad pixels needs no better reason.
Fills find_fills(const ArrayView& elements, const Grid& grid, std::span<const std::uint8_t> good);

}  // namespace etalon::codec
