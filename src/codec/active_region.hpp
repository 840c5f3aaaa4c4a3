// How much happens round an element: what `active` regions are chosen by.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "etalon/array.hpp"

namespace etalon::codec {

// For every element of a (y, x) image: the standard deviation of the window x window elements round
// it plus the magnitude of the gradient there (central differences, one-sided at edges); in the
// units of the elements, or 2^-600 of them where one is beyond 1e150. Windows are cut off at the
// edges. Elements that are not finite, or where `good` (may be empty) is 0, count nowhere and get
// -1. Equal elements give exactly 0. In f64, + - * / and sqrt in the order written: the same on
// every machine. `window` is odd, at least 3.
std::vector<double> activity_of(const ArrayView& image, std::span<const std::uint8_t> good,
                                std::size_t window);

}  // namespace etalon::codec
