// The encoder's choice of a predictor, from a sample of the chunk.
#pragma once

#include <cstdint>
#include <span>

#include "codec/counts_model.hpp"

namespace etalon::codec {

// `fill` is 1 on elements that are not coded; empty: none. The choice depends on the values alone.
template <typename T>
Predictor choose_predictor(std::span<const T> values, const Grid& grid,
                           std::span<const std::uint8_t> fill, std::uint64_t bound);

}  // namespace etalon::codec
