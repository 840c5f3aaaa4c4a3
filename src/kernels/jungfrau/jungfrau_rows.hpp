// A run of pixels of one row: one reference, one for each instruction set.
#pragma once

#include <cstdint>

#include "kernels/jungfrau/jungfrau.hpp"

namespace etalon::jungfrau {

// n pixels that begin at pixel `first` of the image; `common` has a value for each of them.
struct Run {
  const Constants& constants;
  std::size_t first = 0, n = 0;
  const std::uint16_t* raw = nullptr;
  const std::int32_t* common = nullptr;
};

// Adds s and 1 for every pixel that takes part in the common mode, column by column.
void add_small_ref(const Run& run, std::int32_t* sums, std::int32_t* counts);
void add_small_simd(const Run& run, std::int32_t* sums, std::int32_t* counts);

void to_photons_ref(const Run& run, std::int32_t* out);
void to_photons_simd(const Run& run, std::int32_t* out);

void to_kev_ref(const Run& run, float* out);
void to_kev_simd(const Run& run, float* out);

}  // namespace etalon::jungfrau
