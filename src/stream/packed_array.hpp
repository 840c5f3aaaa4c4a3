// An array as it lies in a message: taken out where, and on the thread on which, it is needed.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "stream/dectris_compression.hpp"

namespace etalon {

struct PackedArray {
  DType dtype = DType::u8;
  Shape shape;
  DectrisCompression compression = DectrisCompression::none;
  std::size_t element_size = 0;  // of the bit shuffling
  SharedBytes payload;
  std::string field;  // where it lies, for messages: "image 7: data.threshold_1"

  std::size_t size_bytes() const { return shape.count() * size_of(dtype); }
  // Errc::malformed for a payload that is damaged or holds another number of elements.
  Result<Array> unpack() const;
};

}  // namespace etalon
