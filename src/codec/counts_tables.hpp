// The encoder's choice of tables: which neighbouring classes share one, and at which phase bins
// lie.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codec/counts_model.hpp"

namespace etalon::codec {

// What the elements of one label and class are: values below 256 (or tokens), and what lies above.
using ValueHistogram = std::array<std::uint32_t, 257>;

// Segments of one label. `step` is 1 where the histogram holds what is coded; otherwise 2 bound +
// 1, and every segment gets the phase under which its bins cost least.
std::vector<Segment> choose_segments(std::uint8_t label,
                                     const std::vector<ValueHistogram>& histograms,
                                     std::uint64_t step);

}  // namespace etalon::codec
