// The encoder's choice of a predictor, from a sample of the chunk.
#pragma once

#include <cstdint>
#include <span>

#include "codec/counts_model.hpp"

namespace etalon::codec {

struct PredictorChoice {
  Predictor kind = Predictor::none;
  double bits = 0;  // that an element takes, about; 0 where nothing had to be tried
};
// `fill` is 1 on elements that are not coded; empty: none. The choice depends on the values alone.
template <typename T>
PredictorChoice choose_predictor(std::span<const T> values, const Grid& grid,
                                 std::span<const std::uint8_t> fill, std::uint64_t bound,
                                 std::size_t most_tiles = 48);

// What is left of a value where nothing may be lost: zigzagged, and wrapped at the type's width.
template <typename T>
std::make_unsigned_t<T> residual_of(T value, std::int64_t prediction) {
  const auto r = static_cast<std::uint64_t>(std::int64_t{value} - prediction);
  return static_cast<std::make_unsigned_t<T>>(zigzag(static_cast<std::make_signed_t<T>>(r)));
}
// Of elements [begin, end) of the row (p, y) that begins at `row`.
template <typename T>
void residual_row(Predictor kind, const T* row, std::size_t y, std::size_t p, const Grid& grid,
                  std::size_t begin, std::size_t end, std::make_unsigned_t<T>* numbers);

}  // namespace etalon::codec
