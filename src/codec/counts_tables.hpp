// The encoder's choice of tables: which neighbouring classes share one, and at which phase bins
// lie.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codec/counts_model.hpp"

namespace etalon::codec {

// What the elements of one group and class are: values below 256 (or tokens), and what lies above.
using ValueHistogram = std::array<std::uint32_t, 257>;

// At most `most` segments of one group. `step` is 1 where the histogram holds what is coded;
// otherwise 2 bound + 1, and every segment gets the phase under which its bins cost least.
std::vector<Segment> choose_segments(std::uint8_t group, std::size_t most,
                                     const std::vector<ValueHistogram>& histograms,
                                     std::uint64_t step, unsigned split);

// The table for tokens: of a rate, or frequencies, where the first ones get their own and the rare
// ones after them share the escape.
struct Table {
  Frequencies frequencies;
  std::optional<RateTable> rate;
};
Table choose_table(const Histogram& tokens, unsigned split);
// Bits that the elements of the histogram take under them, raw bits and escapes included.
double table_bits(const Histogram& tokens, const Frequencies& frequencies, unsigned split);

}  // namespace etalon::codec
