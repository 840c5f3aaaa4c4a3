// NumPy's .npy format, versions 1 to 3 (numpy.lib.format).
#pragma once

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"

namespace etalon {

struct NpyHeader {
  DType dtype = DType::u8;
  Shape shape;
  bool swap = false;     // big-endian elements
  std::size_t size = 0;  // in bytes: elements begin there
};
// How long the header is, from the first 12 bytes; 0 when they are none of .npy's.
std::size_t npy_header_size(ByteSpan start);
// From bytes that begin with a whole header. Errors as parse_npy's.
Result<NpyHeader> parse_npy_header(ByteSpan bytes);
void swap_npy_elements(const MutableArrayView& array);

// C order only; big-endian elements are swapped. Errc::malformed for anything else: Fortran order,
// structured or object types, more than six axes, bytes missing or left over.
Result<Array> parse_npy(ByteSpan bytes);
// The header that goes before the elements of an array.
Bytes npy_header(DType dtype, const Shape& shape);

}  // namespace etalon
