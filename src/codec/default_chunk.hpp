// The chunk shape of an array whose first images are known.
#pragma once

#include "etalon/codec.hpp"

namespace etalon::codec {

// How many images of so many elements have a say.
std::size_t images_looked_at(DType dtype, std::size_t elements);

// default_chunk's, but integer images that are better coded together are chunks of as many as
// floats are. `first` (image, y, x) are the first images of an array of three axes and more.
Shape default_chunk(const ArrayView& first, const Shape& shape, const CompressOptions& options);

}  // namespace etalon::codec
