#include "sim/background.hpp"

#include <algorithm>
#include <cmath>

#include "base/exact_math.hpp"

namespace etalon {
namespace {

double gaussian(double x, double centre, double sigma) {
  const double z = (x - centre) / sigma;
  return exact::exp(-z * z / 2);
}

// 0 in the shadow, 1 outside, linear over four pixels of penumbra.
double beyond_stop(double radius_px, double stop_px) {
  return std::clamp((radius_px - stop_px) / 4, 0.0, 1.0);
}

}  // namespace

double polarization_factor(double dx, double dy, double distance, double fraction) {
  const double square = dx * dx + dy * dy + distance * distance;
  return fraction * (1 - dx * dx / square) + (1 - fraction) * (1 - dy * dy / square);
}

Background make_background(const Geometry& geometry, const BackgroundParameters& p) {
  Background out;
  out.water.resize(geometry.pixels());
  out.air.resize(geometry.pixels());
  for (std::size_t y = 0; y < geometry.ny; ++y)
    for (std::size_t x = 0; x < geometry.nx; ++x) {
      const double px = static_cast<double>(x) - geometry.centre_x;
      const double py = static_cast<double>(y) - geometry.centre_y;
      const double dx = px * geometry.pixel_size_x_m, dy = py * geometry.pixel_size_y_m;
      const double length =
          std::sqrt(dx * dx + dy * dy + geometry.distance_m * geometry.distance_m);
      const double cosine = geometry.distance_m / length;  // of the scattering angle
      const double q = std::sqrt(2 * (1 - cosine)) / geometry.wavelength_angstrom;
      const double seen = polarization_factor(dx, dy, geometry.distance_m, p.polarization) *
                          cosine * cosine * cosine *
                          beyond_stop(std::sqrt(px * px + py * py), p.beam_stop_px);
      const double ring = gaussian(q, 1 / 3.2, 0.045) + 0.45 * gaussian(q, 1 / 2.1, 0.07) +
                          0.25 * gaussian(q, 0, 0.25);
      out.water[y * geometry.nx + x] = static_cast<float>(p.water * ring * seen);
      out.air[y * geometry.nx + x] = static_cast<float>(p.air * exact::exp(-q / p.air_q) * seen);
    }
  return out;
}

}  // namespace etalon
