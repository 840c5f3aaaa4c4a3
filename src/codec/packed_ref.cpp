#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "codec/packed_blocks.hpp"

namespace etalon::codec {
namespace {

template <typename T>
bool number(const T* x, const Quantum<T>& quantum, Word<T>* numbers, T* worst) {
  using W = Word<T>;
  if constexpr (std::is_floating_point_v<T>) {
    T most = 0;
    bool all = true;
    for (std::size_t i = 0; i < block_elements; ++i) {
      const T away = x[i] * quantum.inverse;
      const bool near = std::abs(away) < static_cast<T>(most_number);
      const T q = near ? std::nearbyint(away) : T(0);
      const T error = std::abs(q * quantum.step - x[i]);
      const bool ordinary = std::abs(x[i]) >= least_normal<T> || (x[i] == 0 && !std::signbit(x[i]));
      all = all && near && ordinary && error <= quantum.tolerance;
      most = most < error ? error : most;
      numbers[i] = static_cast<W>(q);
    }
    if (all) *worst = std::max(*worst, most);
    return all;
  } else {
    const std::int64_t bound = quantum.bound, step = 2 * bound + 1;
    constexpr std::int64_t low = std::numeric_limits<T>::lowest(),
                           high = std::numeric_limits<T>::max();
    for (std::size_t i = 0; i < block_elements; ++i) {
      const std::int64_t m = static_cast<std::int64_t>(x[i]) + bound;
      const std::int64_t q = m / step - (m % step < 0);
      numbers[i] = static_cast<W>(q);
      *worst = std::max(*worst, static_cast<T>(std::abs(std::clamp(q * step, low, high) - x[i])));
    }
    return true;
  }
}

template <typename T>
void value(const Word<T>* numbers, const Quantum<T>& quantum, T* x) {
  for (std::size_t i = 0; i < block_elements; ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      x[i] = static_cast<T>(numbers[i]) * quantum.step;
    } else if (quantum.bound == 0) {
      x[i] = static_cast<T>(numbers[i]);
    } else {
      using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
      const Wide v = static_cast<Wide>(numbers[i]) * static_cast<Wide>(2 * Wide{quantum.bound} + 1);
      x[i] = static_cast<T>(
          std::clamp<Wide>(v, std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()));
    }
  }
}

template <typename W, typename U>
Survey<W> survey(const W* numbers, U* differences) {
  Survey<W> s{numbers[0], numbers[0], 0};
  W before = numbers[0];
  for (std::size_t i = 0; i < block_elements; ++i) {
    const U d = static_cast<U>(static_cast<U>(numbers[i]) - static_cast<U>(before));
    const U sign = d >> (8 * sizeof(U) - 1);
    differences[i] = static_cast<U>(U(d << 1) ^ U(0 - sign));
    before = numbers[i];
    s.least = std::min(s.least, numbers[i]);
    s.most = std::max(s.most, numbers[i]);
    s.differences = static_cast<U>(s.differences | differences[i]);
  }
  return s;
}

template <typename W, typename U>
void integrate(const U* differences, U base, W* numbers) {
  for (std::size_t i = 0; i < block_elements; ++i) {
    const U d = differences[i];
    base = static_cast<U>(base + U(d >> 1 ^ U(0 - (d & 1))));
    numbers[i] = static_cast<W>(base);
  }
}

template <typename U>
void pack(const U* words, U base, unsigned width, std::byte* out) {
  constexpr std::size_t bits = 8 * sizeof(U), lanes = row_bytes / sizeof(U);
  std::memset(out, 0, row_bytes * width);
  for (std::size_t i = 0; i < block_elements; ++i)
    for (std::size_t b = 0; b < width; ++b) {
      if (((U(words[i] - base) >> b) & 1) == 0) continue;
      const std::size_t at = i / lanes * width + b;
      const std::size_t bit = (at / bits * lanes + i % lanes) * bits + at % bits;
      out[bit / 8] |= static_cast<std::byte>(1u << bit % 8);
    }
}

template <typename U>
void unpack(const std::byte* in, U base, unsigned width, U* words) {
  constexpr std::size_t bits = 8 * sizeof(U), lanes = row_bytes / sizeof(U);
  for (std::size_t i = 0; i < block_elements; ++i) {
    U word = 0;
    for (std::size_t b = 0; b < width; ++b) {
      const std::size_t at = i / lanes * width + b;
      const std::size_t bit = (at / bits * lanes + i % lanes) * bits + at % bits;
      word = static_cast<U>(word | U(static_cast<unsigned>(in[bit / 8]) >> bit % 8 & 1) << b);
    }
    words[i] = static_cast<U>(word + base);
  }
}

}  // namespace

template <typename T>
BlockLoops<T> block_loops_ref() {
  using W = Word<T>;
  using U = std::make_unsigned_t<W>;
  return {number<T>, value<T>, survey<W, U>, integrate<W, U>, pack<U>, unpack<U>};
}

template BlockLoops<std::uint8_t> block_loops_ref();
template BlockLoops<std::uint16_t> block_loops_ref();
template BlockLoops<std::uint32_t> block_loops_ref();
template BlockLoops<std::int8_t> block_loops_ref();
template BlockLoops<std::int16_t> block_loops_ref();
template BlockLoops<std::int32_t> block_loops_ref();
template BlockLoops<float> block_loops_ref();
template BlockLoops<double> block_loops_ref();

}  // namespace etalon::codec
