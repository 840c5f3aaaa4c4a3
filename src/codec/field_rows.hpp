// The loops over rows of the fields engine: what elements are foretold as, how uncertain that is,
// and numbers for what is left. Operations are in the order written, in the rows' own type and
// without contraction, so that all backends make the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/lattice.hpp"

namespace etalon::codec {

inline constexpr unsigned activities = 32;
// Rows are read and written in whole vectors: buffers have room for as many elements behind them.
inline constexpr std::size_t row_slack = 64;
inline constexpr std::uint32_t exact_number = 0xFFFFFFFF;  // of elements that keep their bits
inline constexpr double most_steps = 4194304;  // 2^22: what lies farther is kept exactly

// How the rows of one class are foretold. With f the features and b the mean of the nearest ones:
//   p = (b, or mean + (b - mean) * slope) + sum of weight[j] * (f[j] - b), j from 1
//   activity = 2 log2(sum of |f[j] - p| * spread), from 0 for 2^-4
// Without features p is the mean and the activity the last.
template <typename V>
struct RowPredictor {
  std::size_t features = 0, nearest = 0;
  std::uint8_t lengths[max_features] = {};
  V inverse_lengths[max_features] = {};
  V weights[max_features] = {};  // the first one is not used
  V inverse_nearest = 1, slope = 1, mean = 0, spread = 1;
  unsigned loop = 0;  // of the loops for known numbers of terms; 0: the one for any
};
// Which loop is the fastest for a class whose features have these numbers of terms. All have the
// same results.
unsigned best_loop(std::size_t features, std::size_t nearest, const std::uint8_t* lengths);

// So many elements in a piece: a row, or rows of `row` elements that begin `stride` apart, and what
// lies between them, of which anything may become.
struct RowRun {
  std::size_t length = 0, row = 0, stride = 0;
};
// Half octaves from 2^-4; what is not a number is the last.
template <typename V>
void predict_row(const RowPredictor<V>& predictor, const V* const* terms, const RowRun& run,
                 V* prediction, std::uint8_t* activity);

// How far numbers may move elements: one step for all, or one for each.
template <typename V>
struct Steps {
  V step = 0, inverse = 0, tolerance = 0;
  const V* steps = nullptr;
  const V* inverses = nullptr;
  const V* tolerances = nullptr;
};

// number = zigzag of the nearest integer to (x - p) / step; decoded = p + integer * step. Elements
// whose decoded value would be farther than the tolerance, that are more than most_steps away, or
// that are neither normal numbers nor +0, get exact_number and decoded = x, or p where x is not
// finite, or 0 where p is not either. Returns the largest |decoded - x| of the others.
template <typename V>
V quantize_row(const V* x, const V* prediction, std::size_t n, const Steps<V>& steps,
               std::uint32_t* numbers, V* decoded);

// decoded = p + integer * step; what has exact_number is left to the caller.
template <typename V>
void dequantize_row(const std::uint32_t* numbers, const V* prediction, std::size_t n,
                    const Steps<V>& steps, V* decoded);

// bytes[i] = table[bytes[i]] of n bytes, a multiple of 32; what becomes of those that are not below
// `activities` is not defined.
void look_up(const std::uint8_t* table, std::uint8_t* bytes, std::size_t n);

// The same, as the definition.
template <typename V>
void predict_row_ref(const RowPredictor<V>& predictor, const V* const* terms, std::size_t n,
                     V* prediction, std::uint8_t* activity);
template <typename V>
V quantize_row_ref(const V* x, const V* prediction, std::size_t n, const Steps<V>& steps,
                   std::uint32_t* numbers, V* decoded);
template <typename V>
void dequantize_row_ref(const std::uint32_t* numbers, const V* prediction, std::size_t n,
                        const Steps<V>& steps, V* decoded);

void look_up_ref(const std::uint8_t* table, std::uint8_t* bytes, std::size_t n);

// What stands in the lattice for an element that keeps its bits.
template <typename V>
V stand_in(V x, V prediction);

}  // namespace etalon::codec
