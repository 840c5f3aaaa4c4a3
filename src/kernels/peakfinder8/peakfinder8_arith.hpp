// The integer arithmetic every variant shares: working values, sums over a radial bin, and the
// limits that follow from them. README.md states it in words.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "etalon/peaks.hpp"

namespace etalon::pf8 {

__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

inline constexpr int rounds = 5;
// Working values are i32. One is set aside for pixels that hold no number.
inline constexpr std::int32_t bad_value = std::numeric_limits<std::int32_t>::min();
inline constexpr std::int32_t max_value = std::numeric_limits<std::int32_t>::max();
// Largest f32 below 2^31: where quantized f32 pixels saturate.
inline constexpr float max_f32_value = 2147483520.0F;
// Values of magnitude 1e9 and more never take part in a bin's statistics.
inline constexpr std::int32_t open_limit = 999'999'999;
inline constexpr std::int64_t never = std::int64_t{1} << 31;  // above every working value

// Thresholds in working units. Integer images: one unit is 1. f32 images: a power of two near
// threshold / 4096.
struct Scale {
  float per_unit = 1;    // working units in one unit of the image
  double threshold = 0;  // in working units
  double snr = 0;
};

inline Scale integer_scale(const PeakParameters& p) { return {1.0F, p.threshold, p.snr}; }
inline Scale f32_scale(const PeakParameters& p) {
  const int threshold_exponent = p.threshold > 0 ? std::ilogb(p.threshold) : 0;
  const int exponent = std::clamp(12 - threshold_exponent, -100, 100);
  const float per_unit = std::ldexp(1.0F, exponent);
  return {per_unit, static_cast<double>(p.threshold) * static_cast<double>(per_unit), p.snr};
}

template <typename T>
inline std::int32_t working_value(T v, float) {
  if constexpr (sizeof(T) < 4)
    return v;
  else
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(std::int64_t{v}, -std::int64_t{max_value}, max_value));
}
template <>
inline std::int32_t working_value(float v, float per_unit) {
  if (!std::isfinite(v)) return bad_value;
  const float q = std::nearbyint(v * per_unit);  // ties to even
  return static_cast<std::int32_t>(std::clamp(q, -max_f32_value, max_f32_value));
}

// Exact: no order of summation matters.
struct Sums {
  std::int64_t n = 0;
  std::int64_t s = 0;  // of w
  UInt128 q = 0;       // of w * w

  void add(std::int64_t w) {
    ++n;
    s += w;
    q += static_cast<UInt128>(w * w);
  }
  void remove(std::int64_t w) {
    --n;
    s -= w;
    q -= static_cast<UInt128>(w * w);
  }
  bool operator==(const Sums&) const = default;
};

// n times the sum of squared deviations, n * q - s * s: exact and never negative.
inline double scaled_variance(const Sums& sums) {
  const std::uint64_t magnitude = static_cast<std::uint64_t>(sums.s < 0 ? -sums.s : sums.s);
  std::uint64_t nq, ss;
  if (sums.q >> 64 == 0 &&
      !__builtin_mul_overflow(static_cast<std::uint64_t>(sums.q),
                              static_cast<std::uint64_t>(sums.n), &nq) &&
      !__builtin_mul_overflow(magnitude, magnitude, &ss))
    return static_cast<double>(nq - ss);  // the same number, faster
  return static_cast<double>(sums.q * static_cast<UInt128>(sums.n) -
                             static_cast<UInt128>(magnitude) * magnitude);
}

inline double standard_deviation(const Sums& sums) {  // 0 of nothing
  return sums.n == 0 ? 0 : std::sqrt(scaled_variance(sums)) / static_cast<double>(sums.n);
}

// What a bin's statistics say about one value: in the next round if lo <= w <= hi, fires if w >=
// fire, and belongs to a local background if w <= hi.
struct Limits {
  std::int32_t lo = -open_limit;
  std::int32_t hi = open_limit;
  std::int64_t fire = never;
  bool operator==(const Limits&) const = default;
};

// The largest integer <= v; for |v| above 2^62 something as far out.
inline std::int64_t floor_of(double v) {
  const double near = v < -0x1p62 ? -0x1p62 : v > 0x1p62 ? 0x1p62 : v;
  const auto whole = static_cast<std::int64_t>(near);
  return whole - (static_cast<double>(whole) > near ? 1 : 0);
}

template <typename Out>
inline Out cut(std::int64_t v, std::int64_t least, Out most) {
  return static_cast<Out>(v < least ? least : v > most ? most : v);
}

inline Limits limits_of(const Sums& sums, const Scale& scale) {
  if (sums.n == 0) return {};
  const double mean = static_cast<double>(sums.s) / static_cast<double>(sums.n);
  const double reach = scale.snr * standard_deviation(sums);
  const double upper = std::max(mean + reach, scale.threshold);
  const double lower = mean - reach;
  Limits limits;
  limits.lo = cut(floor_of(lower) + 1, -open_limit, open_limit);
  limits.hi = cut(-floor_of(-upper) - 1, -open_limit, open_limit);
  limits.fire = cut(floor_of(upper) + 1, -max_value, never);
  return limits;
}

}  // namespace etalon::pf8
