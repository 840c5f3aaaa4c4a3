// Chunks of any shape from images that come one by one.
#pragma once

#include "compress_images.hpp"

namespace etalon::cli {

// What --chunk says, held to the array's extents. Errc::usage where it has another number of axes
// or an extent of 0, or where it cuts images that regions or a mask are given for.
Result<Shape> parse_chunk_shape(const std::string& text, const ImageSource& source);
// Whether chunks are smaller than images.
bool cuts_images(const Shape& chunk, const Shape& shape);

// Writes a container of options.chunk. Held are as many steps of the first axis that chunks are
// thicker than one along as one chunk has. Ranges are known.
Result<Compressed> compress_chunks(ImageSource& source, const CompressOptions& options,
                                   const std::string& name, OutputFile& file);

}  // namespace etalon::cli
