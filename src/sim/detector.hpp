// A tiled photon counter with its flaws: gaps, dead and hot pixels, a largest count.
#pragma once

#include <cstdint>
#include <vector>

#include "frame/geometry.hpp"

namespace etalon {

// NXmx pixel_mask bits (NXdetector, nexusformat.org).
inline constexpr std::uint32_t mask_gap = 1u << 0, mask_dead = 1u << 1, mask_hot = 1u << 3;

struct DetectorParameters {
  std::size_t module_ny = 514, module_nx = 1030;  // pixels of a module
  std::size_t gap_y = 37, gap_x = 10;             // pixels between modules
  double dead_fraction = 5e-5;                    // of pixels; read 0
  double hot_fraction = 1e-4;        // of pixels; add counts of their own, 20 to 60000 a frame
  double hot_known_fraction = 0.9;   // of hot pixels; the others are missing from the mask
  std::uint32_t saturation = 65000;  // counts above read as this
  std::uint16_t gap_value = 65535;   // what pixels in gaps read
};

// Modules side by side from pixel (0, 0), the last ones cut off at the edge.
std::vector<Panel> module_panels(std::size_t ny, std::size_t nx, const DetectorParameters& p);

struct HotPixel {
  std::size_t index;  // y * nx + x
  double rate;        // mean counts a frame
};

struct Detector {
  std::vector<std::uint32_t> pixel_mask;  // (y, x), NeXus bits
  std::vector<HotPixel> hot;
};

Detector make_detector(std::size_t ny, std::size_t nx, const DetectorParameters& p,
                       std::uint64_t seed);

}  // namespace etalon
