// What the reference and the vectors share.
#pragma once

#include <algorithm>

#include "kernels/azimuthal/azimuthal.hpp"

namespace etalon::azimuthal {

// A band at work: accumulators lie [bin][lane], or [bin][lane][signal, variance].
struct Work {
  const Band& band;
  std::size_t bins;
  ValidRange valid;
  PixelValues values;
  double* accumulators;
  BandSums& sums;
};

// Pixel j of a slice that is lost.
void lose(const Work& work, std::size_t slice, std::size_t j);

// The values of a slice (0 for lost pixels and beyond the end) and their variances; a bit for each
// pixel that is lost.
template <typename T>
inline std::uint32_t load_slice(const T* pixels, std::size_t n, ValidRange valid, double* value,
                                double* variance) {
  std::uint32_t lost = 0;
  for (std::size_t j = 0; j < n; ++j) {
    const double v = static_cast<double>(pixels[j]);
    const bool good = v >= valid.low && v <= valid.high;
    value[j] = good ? v : 0;
    variance[j] = good ? std::max(1.0, v) : 0;
    lost |= static_cast<std::uint32_t>(!good) << j;
  }
  for (std::size_t j = n; j < slice_pixels; ++j) value[j] = variance[j] = 0;
  return lost;
}

// `image`: its first pixel.
template <typename T>
void add_band_ref(const Work& work, const T* image, bool variance);
void add_band_simd(const Work& work, const ArrayView& image, bool variance);

}  // namespace etalon::azimuthal
