// One pixel, as README.md defines it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/jungfrau/jungfrau.hpp"

namespace etalon::jungfrau {

inline constexpr std::uint32_t value_mask = 0x3fff;
inline constexpr float max_photons = 2147483520.0F;  // the largest f32 below 2^31

// Index into the constants by gain bits; 10 is invalid and reads what G0 reads.
inline constexpr std::size_t gain_of_bits[4] = {0, 1, 0, 2};

struct Pixel {
  std::int32_t s = 0;  // 1/64 ADU above pedestal and common mode
  float f = 0;         // photons a unit; 0: bad
};

inline Pixel pixel_at(const Constants& c, std::size_t i, std::uint16_t raw, std::int32_t common) {
  const std::uint32_t bits = raw >> 14, v = raw & value_mask;
  const std::size_t gain = gain_of_bits[bits];
  const bool bad = bits == 2 || (bits == 3 && (v == 0 || v == value_mask));
  return {static_cast<std::int32_t>(v * 64) - c.pedestal[gain][i] - common,
          bad ? 0 : c.photons_per_unit[gain][i]};
}

inline float photons_f32(const Pixel& pixel) {
  return std::clamp(static_cast<float>(pixel.s) * pixel.f, -max_photons, max_photons);
}

inline std::int32_t photons_of(const Pixel& pixel) {
  if (pixel.f == 0) return bad_photons;
  return static_cast<std::int32_t>(std::nearbyint(photons_f32(pixel)));
}

}  // namespace etalon::jungfrau
