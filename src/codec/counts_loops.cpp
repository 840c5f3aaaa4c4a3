#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/counts_loops.cpp"
#include <hwy/foreach_target.h>
// Above must stand before:
#include <hwy/highway.h>

#include <cstring>
#include <limits>

#include "codec/counts_loops.hpp"
#include "codec/loops.hpp"
#include "codec/scratch.hpp"
#include "codec/tokens.hpp"

#if HWY_ONCE
#define ETALON_LOOPS_NAMESPACE reference
#include "codec/counts_loops-inl.hpp"
#undef ETALON_LOOPS_NAMESPACE
#endif

HWY_BEFORE_NAMESPACE();
#define ETALON_LOOPS_NAMESPACE HWY_NAMESPACE
#include "codec/counts_loops-inl.hpp"
#undef ETALON_LOOPS_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::codec {

#define ETALON_LOOPS(T, name)                                                                    \
  ETALON_LOOP(void, range_of, range_of_##name, (const T* v, std::size_t n, T& low, T& high),     \
              (v, n, low, high))                                                                 \
  ETALON_LOOP(std::size_t, count_of, count_of_##name, (const T* v, std::size_t n, T value),      \
              (v, n, value))                                                                     \
  ETALON_LOOP(void, mark, mark_##name,                                                           \
              (const T* v, const std::uint8_t* good, std::size_t n, T value, std::uint8_t label, \
               std::uint8_t* labels),                                                            \
              (v, good, n, value, label, labels))                                                \
  ETALON_LOOP(void, residuals, residuals_##name,                                                 \
              (Predictor kind, const T* v, std::size_t n, std::size_t row, std::size_t plane,    \
               std::make_unsigned_t<T>* numbers),                                                \
              (kind, v, n, row, plane, numbers))
ETALON_FOR_INTEGERS(ETALON_LOOPS)
#undef ETALON_LOOPS

#define ETALON_LOOPS(T, name)                                                                    \
  ETALON_LOOP(void, tokens_of, tokens_of_##name,                                                 \
              (const T* v, const std::uint8_t* contexts, std::size_t n, unsigned split,          \
               std::uint8_t* tokens),                                                            \
              (v, contexts, n, split, tokens))                                                   \
  ETALON_LOOP(void, saturate, saturate_##name, (const T* v, std::size_t n, std::uint8_t* bytes), \
              (v, n, bytes))                                                                     \
  ETALON_LOOP(void, add_row, add_row_##name,                                                     \
              (const T* v, const std::uint8_t* usable, std::size_t n, ColumnSum<T>* sums,        \
               T* largest, std::uint16_t* counts),                                               \
              (v, usable, n, sums, largest, counts))
ETALON_FOR_NUMBERS(ETALON_LOOPS)
#undef ETALON_LOOPS

ETALON_LOOP(void, fold, fold_8, (const std::int8_t* values, std::size_t n, std::uint8_t* numbers),
            (values, n, numbers))
ETALON_LOOP(void, fold, fold_16,
            (const std::int16_t* values, std::size_t n, std::uint16_t* numbers),
            (values, n, numbers))
ETALON_LOOP(void, fold, fold_32,
            (const std::int32_t* values, std::size_t n, std::uint32_t* numbers),
            (values, n, numbers))
ETALON_LOOP(std::uint64_t, dither, dither_u8,
            (const Dithering& d, std::size_t first, const std::uint8_t* values,
             const std::uint8_t* skip, std::size_t n, std::int32_t* numbers, std::uint8_t* hints),
            (d, first, values, skip, n, numbers, hints))
ETALON_LOOP(std::uint64_t, dither, dither_u16,
            (const Dithering& d, std::size_t first, const std::uint16_t* values,
             const std::uint8_t* skip, std::size_t n, std::int32_t* numbers, std::uint8_t* hints),
            (d, first, values, skip, n, numbers, hints))
ETALON_LOOP(void, hint, hint,
            (const Dithering& d, std::size_t first, std::size_t n, std::uint8_t* hints),
            (d, first, n, hints))
ETALON_LOOP(void, undither, undither_16,
            (const Dithering& d, std::size_t first, const std::int32_t* numbers, std::size_t n,
             std::int16_t* values),
            (d, first, numbers, n, values))
ETALON_LOOP(void, undither, undither_32,
            (const Dithering& d, std::size_t first, const std::int32_t* numbers, std::size_t n,
             std::int32_t* values),
            (d, first, numbers, n, values))
ETALON_LOOP(void, find_usable, find_usable,
            (const std::uint8_t* good, const std::uint8_t* fill, std::size_t n,
             std::uint8_t* usable),
            (good, fill, n, usable))
ETALON_LOOP(void, block_maxima, block_maxima,
            (const std::uint8_t* values, std::size_t n, std::uint8_t* maxima), (values, n, maxima))
ETALON_LOOP(void, block_minima, block_minima,
            (const std::uint8_t* values, std::size_t n, std::uint8_t* minima), (values, n, minima))
ETALON_LOOP(void, pair_up, pair_up,
            (const std::uint8_t* contexts, const std::uint8_t* tokens, std::size_t n,
             std::uint16_t* pairs),
            (contexts, tokens, n, pairs))
ETALON_LOOP(void, range_below_255, range_below_255,
            (const std::uint8_t* values, std::size_t n, std::uint8_t& low, std::uint8_t& high),
            (values, n, low, high))
ETALON_LOOP(void, interpolate_row, interpolate_row,
            (const std::int64_t* line, std::size_t columns, unsigned log2_x, unsigned shift,
             std::size_t nx, std::uint8_t* classes),
            (line, columns, log2_x, shift, nx, classes))
ETALON_LOOP(void, step_tables, step_tables,
            (std::uint8_t * classes, std::size_t n, const std::uint8_t* table,
             const std::uint8_t* first),
            (classes, n, table, first))
}  // namespace etalon::codec
#endif
