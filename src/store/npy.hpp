// NumPy's .npy format, versions 1 to 3 (numpy.lib.format).
#pragma once

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"

namespace etalon {

// C order only; big-endian elements are swapped. Errc::malformed for anything else: Fortran order,
// structured or object types, more than six axes, bytes missing or left over.
Result<Array> parse_npy(ByteSpan bytes);
// The header that goes before the elements of an array.
Bytes npy_header(DType dtype, const Shape& shape);

}  // namespace etalon
