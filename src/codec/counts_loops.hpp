// The counts engine's loops over whole planes. counts_loops-inl.hpp defines them once in plain C++;
// compiled for every instruction set they are what runs, compiled for none the reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "codec/counts.hpp"

namespace etalon::codec {

// Sums of columns of tiles: all rows of at most 2^16 of them.
template <typename Number>
using ColumnSum = std::conditional_t<sizeof(Number) == 4, std::uint64_t, std::uint32_t>;

// How many elements stand for one in block_maxima.
inline constexpr std::size_t loop_block = 64;

// macro(type, its name) for the types that the counts engine takes, and for those of its numbers.
#define ETALON_FOR_NUMBERS(macro) \
  macro(std::uint8_t, u8) macro(std::uint16_t, u16) macro(std::uint32_t, u32)
#define ETALON_FOR_INTEGERS(macro) \
  ETALON_FOR_NUMBERS(macro) macro(std::int8_t, i8) macro(std::int16_t, i16) macro(std::int32_t, i32)

#define ETALON_LOOPS(T, name)                                                                      \
  /* The least and the largest of n >= 1 elements. */                                              \
  void range_of(const T* values, std::size_t n, T& low, T& high);                                  \
  std::size_t count_of(const T* values, std::size_t n, T value);                                   \
  /* Writes `label` where an element is `value` and, with `good`, not good. */                     \
  void mark(const T* values, const std::uint8_t* good, std::size_t n, T value, std::uint8_t label, \
            std::uint8_t* labels);                                                                 \
  /* What a predictor leaves of n elements that have all the neighbours it looks at: zigzagged, */ \
  /* and wrapped at the type's width. Rows and planes are that many elements apart. */             \
  void residuals(Predictor kind, const T* values, std::size_t n, std::size_t row,                  \
                 std::size_t plane, std::make_unsigned_t<T>* numbers);
ETALON_FOR_INTEGERS(ETALON_LOOPS)
#undef ETALON_LOOPS

#define ETALON_LOOPS(Number, name)                                                                 \
  /* Where a context is 255 tokens may be anything. */                                             \
  void tokens_of(const Number* numbers, const std::uint8_t* contexts, std::size_t n,               \
                 unsigned split, std::uint8_t* tokens);                                            \
  /* min(numbers[i], 255) */                                                                       \
  void saturate(const Number* numbers, std::size_t n, std::uint8_t* bytes);                        \
  /* Adds a row to sums, largest numbers and counts of columns; where `usable` is 0 (and not 1) */ \
  /* nothing, without it everything but to counts. */                                              \
  void add_row(const Number* numbers, const std::uint8_t* usable, std::size_t n,                   \
               ColumnSum<Number>* sums, Number* largest, std::uint16_t* counts);
ETALON_FOR_NUMBERS(ETALON_LOOPS)
#undef ETALON_LOOPS

// zigzag(values[i])
void fold(const std::int8_t* values, std::size_t n, std::uint8_t* numbers);
void fold(const std::int16_t* values, std::size_t n, std::uint16_t* numbers);
void fold(const std::int32_t* values, std::size_t n, std::uint32_t* numbers);

// Dithering with the numbers from_zero(i) = dither + bound, element 0 being element `first` of the
// chunk; 2 bound + 1 is below 2^15.
struct Dithering {
  std::uint64_t seed, bound;
  unsigned hints;
};
// Quantizes, and returns the largest error, that of elements with skip[i] != 0 (if there is `skip`)
// aside.
std::uint64_t dither(const Dithering& d, std::size_t first, const std::uint8_t* values,
                     const std::uint8_t* skip, std::size_t n, std::int32_t* numbers,
                     std::uint8_t* hints);
std::uint64_t dither(const Dithering& d, std::size_t first, const std::uint16_t* values,
                     const std::uint8_t* skip, std::size_t n, std::int32_t* numbers,
                     std::uint8_t* hints);
void hint(const Dithering& d, std::size_t first, std::size_t n, std::uint8_t* hints);
// numbers[i] * (2 bound + 1) - dither, clamped.
void undither(const Dithering& d, std::size_t first, const std::int32_t* numbers, std::size_t n,
              std::int16_t* values);
void undither(const Dithering& d, std::size_t first, const std::int32_t* numbers, std::size_t n,
              std::int32_t* values);

// good[i] != 0 and fill[i] == 0; either may be missing.
void find_usable(const std::uint8_t* good, const std::uint8_t* fill, std::size_t n,
                 std::uint8_t* usable);

// The largest, and the least, of every whole block.
void block_maxima(const std::uint8_t* values, std::size_t n, std::uint8_t* maxima);
void block_minima(const std::uint8_t* values, std::size_t n, std::uint8_t* minima);

// contexts[i] << 8 | tokens[i]
void pair_up(const std::uint8_t* contexts, const std::uint8_t* tokens, std::size_t n,
             std::uint16_t* pairs);

// The largest and the least that are not 255; low > high where there is none.
void range_below_255(const std::uint8_t* values, std::size_t n, std::uint8_t& low,
                     std::uint8_t& high);

// A row of classes from the weighted sums of levels at tile centres, line[0] and line[columns + 1]
// being those past its ends.
void interpolate_row(const std::int64_t* line, std::size_t columns, unsigned log2_x, unsigned shift,
                     std::size_t nx, std::uint8_t* classes);

// classes[i] = table[classes[i]], where table grows by one at each of first[table[0] + 1 ..] and
// nowhere else; what becomes of 255 is not defined.
void step_tables(std::uint8_t* classes, std::size_t n, const std::uint8_t* table,
                 const std::uint8_t* first);

}  // namespace etalon::codec
