// The intensity of a spot at a known place: the sum of its pixels above the mean of a ring round
// it. The same pixels serve an image and its reduction, so their difference is the reduction's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "etalon/array.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// Squares round the pixel nearest to the place. Distances are max(|dx|, |dy|), in pixels.
struct Aperture {
  std::size_t half = 1;                       // of the signal: pixels up to this distance
  std::size_t ring_first = 3, ring_last = 4;  // of the background: pixels at these distances

  std::size_t signal_pixels() const { return (2 * half + 1) * (2 * half + 1); }
  std::size_t ring_pixels() const {
    return (2 * ring_last + 1) * (2 * ring_last + 1) - (2 * ring_first - 1) * (2 * ring_first - 1);
  }
  // Variance of the net sum per variance of one pixel, pixels being independent: n + n^2 / m.
  double noise_pixels() const {
    const auto n = static_cast<double>(signal_pixels()), m = static_cast<double>(ring_pixels());
    return n + n * n / m;
  }
};

struct SpotSum {
  double signal = 0, ring = 0;                     // sums of good pixels
  std::size_t signal_pixels = 0, ring_pixels = 0;  // how many

  double share() const {
    return static_cast<double>(signal_pixels) / static_cast<double>(ring_pixels);
  }
  double net() const { return signal - share() * ring; }
  // Standard deviation of net() where each pixel counts photons of `gain` units; at least that of
  // one photon.
  double sigma(double gain) const {
    const double units = std::max(signal, 0.0) + share() * share() * std::max(ring, 0.0);
    return std::sqrt(gain * std::max(units, gain));
  }
};

// None where the signal's square has a pixel that is bad, not finite or outside the image, or where
// fewer than half of the ring's pixels are good. `image` and `mask` are (y, x), of any element
// type; an empty mask is all good.
std::optional<SpotSum> sum_spot(const ArrayView& image, const Mask& mask, double x, double y,
                                const Aperture& aperture);

}  // namespace etalon
