// The loops over one block of the packed engine. Operations are in the order written, in the
// elements' own type and without contraction, so that all backends make the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace etalon::codec {

inline constexpr std::size_t block_elements = 256;
inline constexpr std::size_t row_bytes = 32;  // a row of words, one of each lane
// Numbers of floats are below this in magnitude.
inline constexpr double most_number = 0x1p30;

// What numbers are kept in; it is signed where numbers are, but arithmetic is modulo its width.
template <typename T>
using Word = std::conditional_t<
    std::is_floating_point_v<T>, std::int32_t,
    std::conditional_t<sizeof(T) == 4, T,
                       std::conditional_t<std::is_signed_v<T>, std::int16_t, std::uint16_t>>>;

// What the numbers of a chunk stand for.
template <typename T>
struct Quantum {
  // Floats: q * step, where that is no farther than the tolerance.
  T step = 0, inverse = 0, tolerance = 0;
  // Integers: q * (2 bound + 1), clamped to the type. bound < 2^(bits of T - 1).
  std::uint32_t bound = 0;
};

// Of the numbers of a block; differences as zigzag.
template <typename W>
struct Survey {
  W least, most;
  std::make_unsigned_t<W> differences;  // all of them, by "or"
};

// The loops of one backend.
template <typename T>
struct BlockLoops {
  using W = Word<T>;
  using U = std::make_unsigned_t<W>;
  // Numbers for 256 elements. Whether all of them may be decoded from numbers; if so `worst`
  // becomes the largest |decoded - x| where that is more. Not for words of a bound of 0.
  bool (*number)(const T* x, const Quantum<T>& quantum, W* numbers, T* worst);
  void (*value)(const W* numbers, const Quantum<T>& quantum, T* x);
  // differences[i] = zigzag of numbers[i] - numbers[i - 1], the first one 0.
  Survey<W> (*survey)(const W* numbers, U* differences);
  // numbers[i] = base + the sum of differences up to i.
  void (*integrate)(const U* differences, U base, W* numbers);
  // The low `width` bits of words[i] - base; 32 * width bytes. Bit b of element i is bit
  // (i / lanes * width + b) of lane i % lanes; lane l's word k is the word k * lanes + l of `out`.
  void (*pack)(const U* words, U base, unsigned width, std::byte* out);
  void (*unpack)(const std::byte* in, U base, unsigned width, U* words);
};

template <typename T>
BlockLoops<T> block_loops_ref();
// Of the backend in force.
template <typename T>
BlockLoops<T> block_loops();

// Whether an element may be decoded from a number at all: NaN, infinities, -0 and denormals may
// not.
template <typename T>
constexpr T least_normal = std::numeric_limits<T>::min();

}  // namespace etalon::codec
