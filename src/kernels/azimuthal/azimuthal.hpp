// A sparse matrix of pixels and bins times an image. README.md defines layout and arithmetic.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "etalon/array.hpp"

namespace etalon::azimuthal {

inline constexpr std::uint32_t whole_pixel = 32768;  // the sum of a pixel's weights
inline constexpr std::size_t slice_pixels = 16, lanes = 4;
inline constexpr std::size_t band_pixels = 65536;
inline constexpr std::size_t most_bins = 65535;

// Consecutive pixels of an image and their weights.
struct Band {
  std::size_t first = 0, count = 0;      // pixels
  std::vector<std::uint16_t> first_bin;  // a pixel, filled up to whole slices
  std::vector<std::uint32_t> begin;      // rows of weights before each slice, and in all
  std::vector<std::uint16_t> weights;    // rows of 16
  std::size_t widest = 0;                // most rows of a slice
};

// Takes the pixels of a band one after another.
class BandBuilder {
 public:
  explicit BandBuilder(std::size_t first_pixel) { band_.first = first_pixel; }
  // `weights` for first_bin and the bins behind it; none for a pixel that counts for nothing.
  void add(std::size_t first_bin, std::span<const std::uint16_t> weights);
  Band finish();

 private:
  void close_slice();

  Band band_;
  std::vector<std::uint16_t> slice_;      // of its pixels, one after another
  std::vector<std::uint32_t> slice_end_;  // where each ends
};

struct ValidRange {
  double low = -std::numeric_limits<double>::max(), high = std::numeric_limits<double>::max();
};

// What a lost pixel would have added, (y, x) row major; `dark` may be empty.
struct PixelValues {
  std::span<const float> normalization, dark;
};

// Of one band, a value a bin. Units of 1/whole_pixel, variance of its square.
struct BandSums {
  std::vector<double> signal, variance;
  bool any_lost = false;  // the rest is empty otherwise
  std::vector<std::uint64_t> lost_weight;
  std::vector<double> lost_normalization, lost_dark;
};

// Memory that is used again from band to band; one a thread.
struct Scratch {
  std::vector<double> accumulators;
};

// `image`: all of it, of any type. Variance only when asked for.
void integrate(const Band& band, std::size_t bins, const ArrayView& image, ValidRange valid,
               const PixelValues& values, bool variance, Scratch& scratch, BandSums& sums);

}  // namespace etalon::azimuthal
