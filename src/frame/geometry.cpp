#include "frame/geometry.hpp"

#include <cmath>
#include <limits>

namespace etalon {

std::vector<Panel> Geometry::panels_or_whole() const {
  if (!panels.empty()) return panels;
  return {Panel{0, ny, 0, nx}};
}

std::vector<float> radius_map(const Geometry& geometry) {
  std::vector<float> radius(geometry.pixels());
  std::size_t i = 0;
  for (std::size_t y = 0; y < geometry.ny; ++y) {
    const double dy = static_cast<double>(y) - geometry.centre_y;
    for (std::size_t x = 0; x < geometry.nx; ++x) {
      const double dx = static_cast<double>(x) - geometry.centre_x;
      radius[i++] = static_cast<float>(std::sqrt(dx * dx + dy * dy));
    }
  }
  return radius;
}

double resolution_angstrom(const Geometry& geometry, double radius_px) {
  const double two_theta = std::atan2(radius_px * geometry.pixel_size_x_m, geometry.distance_m);
  const double s = 2 * std::sin(two_theta / 2);
  return s > 0 ? geometry.wavelength_angstrom / s : std::numeric_limits<double>::infinity();
}

double radius_of_resolution(const Geometry& geometry, double d_angstrom) {
  const double s = geometry.wavelength_angstrom / (2 * d_angstrom);
  if (s >= std::sqrt(0.5)) return std::numeric_limits<double>::infinity();  // scattered backwards
  return std::tan(2 * std::asin(s)) * geometry.distance_m / geometry.pixel_size_x_m;
}

Mask mask_from_nexus(const std::vector<std::uint32_t>& pixel_mask) {
  Mask mask(pixel_mask.size());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = pixel_mask[i] == 0;
  return mask;
}

}  // namespace etalon
