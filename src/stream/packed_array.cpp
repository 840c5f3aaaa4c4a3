#include "stream/packed_array.hpp"

namespace etalon {

Result<Array> PackedArray::unpack() const {
  Array array = Array::unset(dtype, shape);
  if (auto done = decompress_dectris(compression, element_size, payload.bytes,
                                     array.mutable_view().bytes());
      !done.ok())
    return std::move(done).error().in(field + ": " + std::string(name_of(compression)));
  return array;
}

}  // namespace etalon
