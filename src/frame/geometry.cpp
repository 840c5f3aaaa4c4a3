#include "frame/geometry.hpp"

#include <cmath>
#include <limits>

namespace etalon {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double radius_of(const Geometry& g, const Vector3& at) {
  if (!(at[2] > 0)) return infinity;
  const double distance = g.distance_m > 0 ? g.distance_m : 1;
  const double pixel = g.pixel_size_x_m > 0 ? g.pixel_size_x_m : 1;
  return std::sqrt(at[0] * at[0] + at[1] * at[1]) * (distance / at[2]) / pixel;
}

std::vector<float> placed_radius_map(const Geometry& g) {
  std::vector<float> radius(g.pixels(), std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < g.panels.size(); ++i) {
    const Panel& p = g.panels[i];
    for (std::size_t y = p.y0; y < p.y1; ++y)
      for (std::size_t x = p.x0; x < p.x1; ++x)
        radius[y * g.nx + x] = static_cast<float>(radius_of(
            g, g.places[i].at(static_cast<double>(x - p.x0), static_cast<double>(y - p.y0))));
  }
  return radius;
}

}  // namespace

Vector3 PanelPlace::at(double along_x, double along_y) const {
  Vector3 out = origin_m;
  for (std::size_t k = 0; k < 3; ++k) out[k] += along_x * x_step_m[k] + along_y * y_step_m[k];
  return out;
}

std::vector<Panel> Geometry::panels_or_whole() const {
  if (!panels.empty()) return panels;
  return {Panel{0, ny, 0, nx}};
}

std::vector<float> radius_map(const Geometry& geometry) {
  if (!geometry.places.empty()) return placed_radius_map(geometry);
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

double radius_at(const Geometry& geometry, double y, double x) {
  if (geometry.places.empty()) return std::hypot(x - geometry.centre_x, y - geometry.centre_y);
  for (std::size_t i = 0; i < geometry.panels.size(); ++i) {
    const Panel& p = geometry.panels[i];
    const double along_x = x - static_cast<double>(p.x0), along_y = y - static_cast<double>(p.y0);
    if (along_x < -0.5 || along_y < -0.5 || x >= static_cast<double>(p.x1) - 0.5 ||
        y >= static_cast<double>(p.y1) - 0.5)
      continue;
    return radius_of(geometry, geometry.places[i].at(along_x, along_y));
  }
  return infinity;
}

double resolution_angstrom(const Geometry& geometry, double radius_px) {
  const double two_theta = std::atan2(radius_px * geometry.pixel_size_x_m, geometry.distance_m);
  const double s = 2 * std::sin(two_theta / 2);
  return s > 0 ? geometry.wavelength_angstrom / s : infinity;
}

double radius_of_resolution(const Geometry& geometry, double d_angstrom) {
  const double s = geometry.wavelength_angstrom / (2 * d_angstrom);
  if (s >= std::sqrt(0.5)) return infinity;  // scattered backwards
  return std::tan(2 * std::asin(s)) * geometry.distance_m / geometry.pixel_size_x_m;
}

Mask mask_from_nexus(const std::vector<std::uint32_t>& pixel_mask) {
  Mask mask(pixel_mask.size());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = pixel_mask[i] == 0;
  return mask;
}

}  // namespace etalon
