// Windows and what is decided from them, for every variant. README.md states it in words.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/dispersion/dispersion.hpp"
#include "kernels/peakfinder8/peakfinder8_arith.hpp"

namespace etalon::dispersion {

using pf8::bad_value;
using pf8::Int128;

inline constexpr std::uint32_t max_kernel = 30;        // (2 * 32 + 1)^2 pixels < 2^13
inline constexpr std::int32_t summed_below = 1 << 24;  // of |w|; so Σw² < 2^61
inline bool is_summed(std::int32_t w) { return w > -summed_below && w < summed_below; }

// Parameters in working units.
struct Scale {
  float per_unit = 1;  // working units in one unit of the image
  double gain = 1, threshold = 0;
  double sigma_background = 6, sigma_strong = 3;
  std::int64_t min_local = 2;
};

inline Scale scale_of(const DispersionParameters& p, bool is_float) {
  Scale scale;
  if (is_float) scale.per_unit = std::ldexp(1.0F, std::clamp(4 - std::ilogb(p.gain), -100, 100));
  scale.gain = static_cast<double>(p.gain) * static_cast<double>(scale.per_unit);
  scale.threshold = static_cast<double>(p.threshold) * static_cast<double>(scale.per_unit);
  scale.sigma_background = p.sigma_background;
  scale.sigma_strong = p.sigma_strong;
  const std::int64_t whole =
      std::int64_t{2 * p.kernel_size[0] + 1} * std::int64_t{2 * p.kernel_size[1] + 1};
  scale.min_local = p.min_local == 0 ? whole : p.min_local;
  return scale;
}

struct Window {
  std::int64_t n = 0, s = 0, q = 0;  // pixels, Σw, Σw²
  void add(std::int64_t w) {
    ++n;
    s += w;
    q += w * w;
  }
};

inline bool is_dispersed(const Window& window, const Scale& scale) {
  if (window.n < scale.min_local || window.s < 0) return false;
  const double left =
      static_cast<double>(Int128{window.n} * window.q - Int128{window.s} * window.s);
  const double more = static_cast<double>(window.n - 1);
  const double k = more + scale.sigma_background * std::sqrt(2 * more);
  return left > static_cast<double>(window.s) * (scale.gain * k);
}

// Of a dispersed pixel.
inline bool is_strong(std::int32_t w, const Window& window, const Scale& scale) {
  const double above = static_cast<double>(window.n * w - window.s);
  const double variance =
      scale.gain * static_cast<double>(window.s) * static_cast<double>(window.n);
  return static_cast<double>(w) > scale.threshold &&
         above > scale.sigma_strong * std::sqrt(variance);
}

// Of an eroded pixel, over the window of those round it that are not.
inline bool is_strong_above(std::int32_t w, const Window& background, const Scale& scale) {
  if (background.s < 0 || !(static_cast<double>(w) > scale.threshold)) return false;
  const double mean =
      background.n < 2 ? 0 : static_cast<double>(background.s) / static_cast<double>(background.n);
  return static_cast<double>(w) >= mean + scale.sigma_strong * std::sqrt(scale.gain * mean);
}

}  // namespace etalon::dispersion
