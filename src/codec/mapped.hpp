// Integers that are not coded as they are: the bins of bounds that grow with the value, and numbers
// quantized with a dither. What the counts engine then codes, it codes exactly.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "codec/chunk_format.hpp"
#include "codec/counts.hpp"
#include "codec/fills.hpp"

namespace etalon::codec {

// The largest integer error within the bound, where that is the same for all elements; 0 for
// bounds that grow with the value.
std::uint64_t integer_bound(const Bound& bound, DType dtype);
bool grows_with_value(const Bound& bound);

struct MappedStream {
  CountsStream stream;
  std::vector<double> label_max_error;  // measured, each in the unit of its bound
};

// Some of `bounds` grow with the value; layout.bounds holds the others and 0 for these.
template <typename T>
MappedStream encode_binned(std::span<const T> values, const CountsLayout& layout,
                           const std::vector<Bound>& bounds, const Fills& fills,
                           std::span<const std::uint8_t> good, CountsReport& report);
template <typename T>
Result<CountsLayout> decode_binned(const ChunkParts& parts, const Grid& grid, std::span<T> out);

// Labels with layout.bounds above 0 are dithered, the others are kept. Nothing where a kept element
// does not fit 32 signed bits.
template <typename T>
std::optional<MappedStream> encode_dithered(std::span<const T> values, const CountsLayout& layout,
                                            const std::vector<Bound>& bounds, const Fills& fills,
                                            std::span<const std::uint8_t> good, std::uint64_t seed,
                                            CountsReport& report);
template <typename Out>
Result<CountsLayout> decode_dithered(const ChunkParts& parts, const Grid& grid, std::span<Out> out);

}  // namespace etalon::codec
