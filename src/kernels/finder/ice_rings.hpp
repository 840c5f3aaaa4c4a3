// Where ice on a crystal diffracts.
#pragma once

#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// Clears in `mask` the pixels whose 1/d² is within width/2 (Å⁻²) of a reflection of hexagonal ice,
// 3.90 to 1.30 Å. Every machine finds the same pixels. Errc::usage for a width below 0, and where
// the geometry knows no wavelength, distance or pixel size.
Result<void> mask_ice_rings(const Geometry& geometry, double width, Mask& mask);

}  // namespace etalon
