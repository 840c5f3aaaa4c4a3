// Which layout of small planes the counts engine will take less for.
#pragma once

#include "codec/counts.hpp"
#include "etalon/array.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

// Of elements with has_small_planes(shape, 1), all within one bound: apart where a sample tells
// that planes say much of the next ones, otherwise joined. What is 64 bits wide or has bounds that
// grow with the value stays joined.
Planes layout_of_small_planes(const ArrayView& elements, const Bound& bound);

}  // namespace etalon::codec
