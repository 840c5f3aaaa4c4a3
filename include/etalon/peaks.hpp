// Diffraction spots ("peaks") and the parameters that define them.
#pragma once

#include <cstdint>
#include <vector>

namespace etalon {

// Positions in pixels; pixel centres lie at integers; intensities in the units of the image.
struct Peak {
  float x = 0;          // fast axis, pixels
  float y = 0;          // slow axis, pixels
  float intensity = 0;  // sum over the peak's pixels above the local background
  float max = 0;        // largest pixel above the local background
  float sigma = 0;      // standard deviation of the local background
  float snr = 0;        // intensity / sigma
  std::uint32_t pixels = 0;

  bool operator==(const Peak&) const = default;
};

// Barty et al., J. Appl. Cryst. 47 (2014) 1118: the parameters of `peakfinder8`.
struct PeakParameters {
  float threshold = 8;  // least pixel value of a peak, in the units of the image
  float snr = 5;  // both of a pixel over its radial bin and of a peak over its local background
  std::uint32_t min_pixels = 2;
  std::uint32_t max_pixels = 200;
  std::uint32_t local_radius = 3;  // pixels
  float min_radius = 0;            // pixels from the beam centre; nearer ones are left out
  float max_radius = 1e9F;         // farther ones are left out

  bool operator==(const PeakParameters&) const = default;
};

}  // namespace etalon
