#include "kernels/finder/ice_rings.hpp"

#include <cmath>

namespace etalon {
namespace {

struct Hkl {
  int h, k, l;
};
// Reflections that P 6₃/mmc and the oxygens' places leave, to 1.3 Å.
constexpr Hkl reflections[] = {{1, 0, 0}, {0, 0, 2}, {1, 0, 1}, {1, 0, 2}, {1, 1, 0}, {1, 0, 3},
                               {2, 0, 0}, {1, 1, 2}, {2, 0, 1}, {2, 0, 2}, {2, 0, 3}, {2, 1, 0},
                               {2, 1, 1}, {1, 1, 4}, {2, 1, 2}, {1, 0, 5}, {3, 0, 0}};
// Angstrom, near 100 K: Röttger et al., Acta Cryst. B50 (1994) 644-648.
constexpr double a = 4.497, c = 7.322;

constexpr double inverse_d_squared(const Hkl& r) {
  return 4.0 / 3.0 * (r.h * r.h + r.h * r.k + r.k * r.k) / (a * a) + r.l * r.l / (c * c);
}

}  // namespace

Result<void> mask_ice_rings(const Geometry& g, double width, Mask& mask) {
  if (!(width >= 0 && std::isfinite(width)))
    return Error{Errc::usage, "ice rings: expected a width >= 0"};
  if (!(g.wavelength_angstrom > 0 && g.distance_m > 0 && g.pixel_size_x_m > 0))
    return Error{Errc::usage,
                 "ice rings: the source says no wavelength, distance or pixel size, so nobody "
                 "knows where they are"};
  const std::vector<float> radius = radius_map(g);
  const double scale = 2 / (g.wavelength_angstrom * g.wavelength_angstrom);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    // 4 sin²θ/λ², by way of cos 2θ.
    const double r = static_cast<double>(radius[i]) * g.pixel_size_x_m;
    const double here = scale * (1 - g.distance_m / std::sqrt(g.distance_m * g.distance_m + r * r));
    for (const Hkl& reflection : reflections)
      if (std::abs(here - inverse_d_squared(reflection)) <= width / 2) mask[i] = 0;
  }
  return {};
}

}  // namespace etalon
