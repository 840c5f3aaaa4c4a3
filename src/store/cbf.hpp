// miniCBF, as DECTRIS detectors write it: a text header and one image compressed by byte offsets
// (imgCIF, International Tables for Crystallography G, 5.6; CBFlib manual section 3.3.3).
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "frame/series.hpp"

namespace etalon {

struct CbfImage {
  Array image;      // i32, (y, x); -1 and below mark pixels without a count
  SeriesInfo info;  // what the header says; frames is 1, fields that it lacks are 0 or empty
};

// Errc::malformed for anything that is not a whole miniCBF file of signed 32-bit elements, or whose
// bytes do not have the MD5 sum that its header gives.
Result<CbfImage> parse_cbf(ByteSpan file);

// The byte-offset scheme alone: exactly `count` elements from exactly these bytes.
Result<void> decode_byte_offset(ByteSpan packed, std::span<std::int32_t> out);

// The part of parse_cbf that reads the "# Key value unit" lines.
void parse_pilatus_header(std::string_view text, SeriesInfo& info);

}  // namespace etalon
