// TIFF images as detectors and cameras write them (TIFF 6.0), through libtiff.
#pragma once

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"

namespace etalon {

// One page as (y, x), several of one size and type as (page, y, x). One number a pixel: integers of
// 8 to 64 bits or floats of 32 or 64, in strips or tiles, compressed in any way that loses nothing.
// Errc::malformed for anything else, for pages that differ, and for more than `max_bytes` or more
// than the file's bytes can hold.
Result<Array> parse_tiff(ByteSpan file, std::size_t max_bytes = std::size_t{1} << 32);

}  // namespace etalon
