// Arrays that have broken codecs before, and what it means that one came back: shared by the tests.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "etalon/array.hpp"

namespace etalon {

inline constexpr DType all_types[] = {DType::u8,  DType::u16, DType::u32, DType::u64, DType::i8,
                                      DType::i16, DType::i32, DType::i64, DType::f32, DType::f64};

// What comes back bit for bit under every bound.
template <typename T>
bool special(T v) {
  if constexpr (std::is_floating_point_v<T>)
    return !std::isfinite(v) || (v == 0 && std::signbit(v)) || std::fpclassify(v) == FP_SUBNORMAL;
  else
    return false;
}

// |a - b| without overflow; for 64-bit integers rounded to double.
template <typename T>
double distance(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::abs(static_cast<double>(a) - static_cast<double>(b));
  else
    return static_cast<double>(a > b
                                   ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                                   : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a));
}

// Patterns that have broken codecs before.
enum class Pattern {
  zeros,
  extremes,
  constant,
  random,
  counts,
  ramp,
  saturated,
  special,
  last,         // the end of those that unit tests take; more for longer runs:
  walk = last,  // neighbours are near
  gradient,     // counts whose rate falls over four decades
  outliers,     // one in a thousand is anything
  magnitudes,   // from the smallest to the largest, both signs
  edges,        // where bins of usual bounds end, and one step beside
  offset,       // small noise on a large number
  blocks,       // rectangles of constants among noise
  end
};

template <typename T>
Array make(Pattern pattern, const Shape& shape, std::mt19937_64& rng) {
  Array array(DTypeOf<T>::value, shape);
  using L = std::numeric_limits<T>;
  std::poisson_distribution<int> photons(0.8);
  const auto out = array.as<T>();
  std::normal_distribution<double> normal;
  // Beyond the type's ends, its ends.
  const auto fit = [](double v) {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(v);
    if (v >= static_cast<double>(L::max())) return L::max();
    return v <= static_cast<double>(L::lowest()) ? L::lowest() : static_cast<T>(v);
  };
  double level = 100;
  for (std::size_t i = 0; i < out.size(); ++i) {
    switch (pattern) {
      case Pattern::walk:
        level += normal(rng);
        out[i] = fit(level);
        break;
      case Pattern::gradient: {
        const double rate =
            std::exp2(12 - 13.3 * static_cast<double>(i) / static_cast<double>(out.size()));
        out[i] = fit(std::max(0.0, std::round(rate + std::sqrt(rate) * normal(rng))));
        break;
      }
      case Pattern::outliers:
        out[i] = static_cast<T>(photons(rng));
        if (rng() % 1000 == 0) {
          const std::uint64_t bits = rng();
          std::memcpy(&out[i], &bits, sizeof(T));
        }
        break;
      case Pattern::magnitudes: {
        const double top = std::is_floating_point_v<T> ? L::max_exponent : L::digits;
        const double power = std::is_floating_point_v<T> ? 2 * top : top;
        const double v = std::exp2(
            std::fmod(static_cast<double>(rng() >> 11) * 0x1p-53 * power, power) - (power - top));
        out[i] = fit(rng() & 1 ? v : -v);
        break;
      }
      case Pattern::edges: {
        const double steps[] = {0.4, 1, 3.7, 7.4, 3, 9};
        const double edge = steps[rng() % 6] * static_cast<double>(rng() % 64);
        out[i] = fit(edge);
        if constexpr (std::is_floating_point_v<T>) {
          if (rng() % 3 == 0) out[i] = std::nextafter(out[i], rng() & 1 ? L::max() : L::lowest());
        }
        break;
      }
      case Pattern::offset:
        out[i] =
            fit(static_cast<double>(L::max()) * 0.7 * (std::is_floating_point_v<T> ? 1e-30 : 1) +
                3 * normal(rng));
        break;
      case Pattern::blocks:
        out[i] = i / 64 % 7 == 0 ? static_cast<T>(i / 4096 % 5 * 25) : static_cast<T>(photons(rng));
        break;
      case Pattern::end:
      case Pattern::extremes:
        out[i] = rng() & 1 ? L::max() : L::lowest();
        break;
      case Pattern::constant:
        out[i] = static_cast<T>(37);
        break;
      case Pattern::random: {
        const std::uint64_t bits = rng();
        std::memcpy(&out[i], &bits, sizeof(T));
        break;
      }
      case Pattern::counts:
        out[i] = static_cast<T>(rng() % 500 == 0 ? rng() % 127 : photons(rng));
        break;
      case Pattern::ramp:
        out[i] = static_cast<T>(i % 100 + i / 100 % 20);
        break;
      case Pattern::saturated:
        out[i] = i % 40 < 5 ? L::max() : static_cast<T>(photons(rng));
        break;
      case Pattern::special:
        if constexpr (std::is_floating_point_v<T>) {
          const T values[] = {L::quiet_NaN(),  L::infinity(), -L::infinity(), T(-0.0),
                              L::denorm_min(), T(1.5),        T(-2.25),       L::min()};
          out[i] = values[rng() % 8];
        } else {
          out[i] = static_cast<T>(rng() % 3 ? -1 : 2);
        }
        break;
      case Pattern::zeros:
        out[i] = 0;
        break;
    }
  }
  return array;
}

// A plane wave of unit height with normal noise upon it.
template <typename T>
Array waves(const Shape& shape, double noise, std::uint64_t seed) {
  Array a(DTypeOf<T>::value, shape);
  std::mt19937_64 rng(seed);
  std::normal_distribution<double> normal(0, noise);
  const auto out = a.as<T>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    double phase = 0;
    for (std::size_t axis = shape.rank(), rest = i; axis-- > 0; rest /= shape[axis])
      phase += 0.05 * static_cast<double>(axis + 1) * static_cast<double>(rest % shape[axis]);
    out[i] = static_cast<T>(std::sin(phase) + normal(rng));
  }
  return a;
}

}  // namespace etalon
