#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/field_loops.cpp"
#include <hwy/foreach_target.h>
// Above must stand before:
#include <hwy/highway.h>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "codec/field_loops.hpp"
#include "codec/loops.hpp"
#include "codec/scratch.hpp"
#include "codec/tokens.hpp"

#if HWY_ONCE
#define ETALON_LOOPS_NAMESPACE reference
#include "codec/field_loops-inl.hpp"
#undef ETALON_LOOPS_NAMESPACE
#endif

HWY_BEFORE_NAMESPACE();
#define ETALON_LOOPS_NAMESPACE HWY_NAMESPACE
#include "codec/field_loops-inl.hpp"
#undef ETALON_LOOPS_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::codec {

ETALON_LOOP(void, split, split_f32, (const float* from, std::size_t n, float* even, float* odd),
            (from, n, even, odd))
ETALON_LOOP(void, split, split_f64, (const double* from, std::size_t n, double* even, double* odd),
            (from, n, even, odd))
ETALON_LOOP(void, interleave, interleave_f32,
            (const float* even, const float* odd, std::size_t n, float* out), (even, odd, n, out))
ETALON_LOOP(void, interleave, interleave_f64,
            (const double* even, const double* odd, std::size_t n, double* out),
            (even, odd, n, out))
ETALON_LOOP(Magnitudes<float>, magnitudes, magnitudes_f32, (const float* values, std::size_t n),
            (values, n))
ETALON_LOOP(Magnitudes<double>, magnitudes, magnitudes_f64, (const double* values, std::size_t n),
            (values, n))
ETALON_LOOP(double, to_grid, to_grid_f32,
            (const float* values, std::size_t n, double step, double tolerance,
             std::int32_t* numbers, std::uint8_t* strange),
            (values, n, step, tolerance, numbers, strange))
ETALON_LOOP(double, to_grid, to_grid_f64,
            (const double* values, std::size_t n, double step, double tolerance,
             std::int32_t* numbers, std::uint8_t* strange),
            (values, n, step, tolerance, numbers, strange))
ETALON_LOOP(void, from_grid, from_grid_f32,
            (const std::int32_t* numbers, std::size_t n, double step, float* values),
            (numbers, n, step, values))
ETALON_LOOP(void, from_grid, from_grid_f64,
            (const std::int32_t* numbers, std::size_t n, double step, double* values),
            (numbers, n, step, values))
ETALON_LOOP(std::uint32_t, narrow, narrow,
            (const std::uint32_t* numbers, std::size_t n, std::uint8_t* tokens),
            (numbers, n, tokens))
ETALON_LOOP(void, tokenize, tokenize,
            (const std::uint32_t* numbers, std::size_t n, std::uint8_t* tokens, std::uint64_t* raw,
             std::uint32_t* lengths),
            (numbers, n, tokens, raw, lengths))
ETALON_LOOP(bool, widen, widen, (const std::uint8_t* tokens, std::size_t n, std::uint32_t* numbers),
            (tokens, n, numbers))
ETALON_LOOP(void, sum_terms, sum_terms_f32,
            (const float* const* terms, std::size_t count, std::size_t n, double* out),
            (terms, count, n, out))
ETALON_LOOP(void, sum_terms, sum_terms_f64,
            (const double* const* terms, std::size_t count, std::size_t n, double* out),
            (terms, count, n, out))
ETALON_LOOP(FitBlock, weigh, weigh,
            (double (*v)[fit_room], std::size_t m, const std::uint8_t* lengths, std::size_t n,
             const FitWeights& with),
            (v, m, lengths, n, with))
ETALON_LOOP(void, products, products,
            (const double (*v)[fit_room], std::size_t m, double (*sums)[fit_most]), (v, m, sums))

}  // namespace etalon::codec
#endif
