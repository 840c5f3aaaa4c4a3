// Boxes of dense arrays.
#pragma once

#include <cstddef>

#include "etalon/array.hpp"

namespace etalon::codec {

Shape zeros(std::size_t rank);

// Copies the box of `extent` at `from` of one array to `to` of another, row by row; elements have
// `size` bytes.
void copy_box(const std::byte* in, const Shape& in_shape, const Shape& from, std::byte* out,
              const Shape& out_shape, const Shape& to, const Shape& extent, std::size_t size);

// Copies the elements at from, from + step, ... along every axis; `extent` is how many.
void copy_steps(const std::byte* in, const Shape& in_shape, const Shape& from, std::size_t step,
                std::byte* out, const Shape& extent, std::size_t size);

}  // namespace etalon::codec
