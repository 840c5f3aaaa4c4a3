// Exact integers made small: differences modulo their width, which connectivity and row offsets
// repeat.
#pragma once

#include "store/bundle.hpp"

namespace etalon {

// What is left of integers after foretelling; unforetell undoes it. Rows are those of the last
// axis, single elements of arrays of one axis. The type stays.
Array foretell(const ArrayView& integers, Foretold how);
Array unforetell(const ArrayView& rest, Foretold how);

}  // namespace etalon
