// Plain loops over floats and their numbers, compiled for every instruction set, with the same
// results.
#pragma once

#include <cstddef>
#include <cstdint>

namespace etalon::codec {

// even[i] = from[2 i], odd[i] = from[2 i + 1] of n elements.
void split(const float* from, std::size_t n, float* even, float* odd);
void split(const double* from, std::size_t n, double* even, double* odd);
// out[2 i] = even[i], out[2 i + 1] = odd[i].
void interleave(const float* even, const float* odd, std::size_t n, float* out);
void interleave(const double* even, const double* odd, std::size_t n, double* out);

// The largest magnitude of finite elements, 0 where there is none, and whether there is a NaN, an
// infinity or -0.
template <typename V>
struct Magnitudes {
  V largest = 0;
  bool any_special = false;
};
Magnitudes<float> magnitudes(const float* values, std::size_t n);
Magnitudes<double> magnitudes(const double* values, std::size_t n);

// numbers[i] = the integer nearest to values[i] / step; where it has more than 30 bits, or the
// element is neither a normal number nor +0, it is 0. strange[i] = 1 there and where the number
// times step is farther than the tolerance from the element. Returns the largest distance of the
// others.
double to_grid(const float* values, std::size_t n, double step, double tolerance,
               std::int32_t* numbers, std::uint8_t* strange);
double to_grid(const double* values, std::size_t n, double step, double tolerance,
               std::int32_t* numbers, std::uint8_t* strange);

// values[i] = numbers[i] * step
void from_grid(const std::int32_t* numbers, std::size_t n, double step, float* values);
void from_grid(const std::int32_t* numbers, std::size_t n, double step, double* values);

// Numbers as their low bytes. Returns the bits that any of them has.
std::uint32_t narrow(const std::uint32_t* numbers, std::size_t n, std::uint8_t* tokens);
// The tokens of an even count of numbers below 2^24 (tokens.hpp), and the raw bits that follow
// those of 2 k and 2 k + 1, together, as the low lengths[k] of raw[k].
void tokenize(const std::uint32_t* numbers, std::size_t n, std::uint8_t* tokens, std::uint64_t* raw,
              std::uint32_t* lengths);
// Bytes as numbers. Whether all are their own tokens.
bool widen(const std::uint8_t* tokens, std::size_t n, std::uint32_t* numbers);

// out[i] = the sum of terms[t][i], an even count of them, added in order.
void sum_terms(const float* const* terms, std::size_t count, std::size_t n, double* out);
void sum_terms(const double* const* terms, std::size_t count, std::size_t n, double* out);

inline constexpr std::size_t fit_block = 64, fit_room = fit_block + 4, fit_most = 13;
struct FitWeights {
  double mean = 0, step = 1;
  std::size_t nearest = 1;
  bool evenly = false;  // all elements weigh alike
};
struct FitBlock {
  std::size_t used = 0;
  double steps = 0;  // the sum of squares of weighted steps
};
// Makes the variables of a fit, of m features as sums of `lengths` terms and the value as the last
// one: 0 is base - mean with the base the mean of the nearest features, j is feature j - base, the
// last one value - mean. Each has its element's weight; those from n on, and what is not finite,
// tell nothing.
FitBlock weigh(double (*v)[fit_room], std::size_t m, const std::uint8_t* lengths, std::size_t n,
               const FitWeights& with);
// Adds the sums of products of every two of m blocks.
void products(const double (*v)[fit_room], std::size_t m, double (*sums)[fit_most]);

}  // namespace etalon::codec
