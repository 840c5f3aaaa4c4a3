// Elements that are not valid: filled smoothly before coding, so that they spoil no neighbour, and
// given their constant again after.
#pragma once

#include <span>

#include "etalon/array.hpp"

namespace etalon {

// Each element whose `valid` is 0 becomes the mean of what lines through it say, weighted by how
// near they have valid ends: between two of those linear, beyond one of them constant. Those on no
// line with a valid element are filled from the filled ones, along one axis after the other; 0
// where nothing is valid. Floats are then smoothed: every filled element to the mean of its
// neighbours, 24 times.
void fill_holes(const MutableArrayView& array, std::span<const std::uint8_t> valid);

// The bits of every element whose `valid` is 0; false where they are not one constant.
bool hole_bits(const ArrayView& array, std::span<const std::uint8_t> valid, std::uint64_t& bits);
void put_hole_bits(const MutableArrayView& array, std::span<const std::uint8_t> valid,
                   std::uint64_t bits);

}  // namespace etalon
