#include "sim/diffraction.hpp"

#include <algorithm>
#include <cmath>

#include "base/exact_math.hpp"
#include "sim/background.hpp"

namespace etalon {
namespace {

double squared(double x) { return x * x; }

// Standard deviation of the excitation error at a scattering angle given by its cosine.
double rocking_sigma(double cos_2theta, double k, const RockingParameters& p) {
  const double sin2 = std::max(0.0, 1 - cos_2theta * cos_2theta);
  const double angular = k * k * sin2 * (squared(p.mosaic_rad) + squared(p.divergence_rad));
  const double spectral = squared(k * (1 - cos_2theta) * p.bandwidth);  // 2 sin^2 theta = 1 - cos
  return std::sqrt(angular + spectral + squared(0.4 / p.domain_angstrom));
}

}  // namespace

std::vector<PredictedSpot> predict_spots(const std::vector<Reflection>& reflections,
                                         const Matrix3& a_matrix, const Geometry& geometry,
                                         const RockingParameters& rocking,
                                         const SpotParameters& shape, double polarization,
                                         double scale, double weakest) {
  const double k = 1 / geometry.wavelength_angstrom;
  const double cos_ref = 1 - squared(geometry.wavelength_angstrom / 3) / 2;
  const double sigma_ref = rocking_sigma(cos_ref, k, rocking);
  const double sigma_most = rocking_sigma(0, k, rocking) + rocking_sigma(-1, k, rocking);
  std::vector<PredictedSpot> spots;
  for (const Reflection& r : reflections) {
    const Vector3 q =
        a_matrix * Vector3{double(r.index[0]), double(r.index[1]), double(r.index[2])};
    const double kz = k + q[2];
    const double length2 = q[0] * q[0] + q[1] * q[1] + kz * kz;
    // |length - k| <= |length^2 - k^2| / k: leaves out most without a square root.
    if (kz <= 0 || std::fabs(length2 - k * k) > 2.2 * k * 5 * sigma_most) continue;
    const double length = std::sqrt(length2);
    const double excitation = length - k;
    const double cos_2theta = kz / length;
    const double sigma = rocking_sigma(cos_2theta, k, rocking);
    if (std::fabs(excitation) > 5 * sigma) continue;

    PredictedSpot spot;
    spot.index = r.index;
    const double dx = geometry.distance_m * q[0] / kz, dy = geometry.distance_m * q[1] / kz;
    spot.x = geometry.centre_x + dx / geometry.pixel_size_x_m;
    spot.y = geometry.centre_y + dy / geometry.pixel_size_y_m;
    if (!(spot.x > -0.5 && spot.y > -0.5 && spot.x < static_cast<double>(geometry.nx) - 0.5 &&
          spot.y < static_cast<double>(geometry.ny) - 0.5))
      continue;
    spot.excitation = excitation;
    spot.partiality = exact::exp(-squared(excitation / sigma) / 2);
    spot.photons = scale * static_cast<double>(r.intensity) * spot.partiality *
                   polarization_factor(dx, dy, geometry.distance_m, polarization) * sigma_ref /
                   sigma;
    if (!(spot.photons >= weakest)) continue;
    // A change of wavelength moves Bragg's angle: d(2theta) = 2 tan(theta) dlambda / lambda.
    const double tan_theta = std::sqrt((1 - cos_2theta) / (1 + cos_2theta));
    const double smear = shape.elongated ? geometry.distance_m / geometry.pixel_size_x_m * 2 *
                                               tan_theta * rocking.bandwidth / squared(cos_2theta)
                                         : 0;
    spot.sigma_tangential_px = shape.sigma_px;
    spot.sigma_radial_px = std::sqrt(squared(shape.sigma_px) + squared(smear));
    spots.push_back(spot);
  }
  return spots;
}

void add_spot(const PredictedSpot& spot, const Geometry& geometry, std::vector<float>& image) {
  const double dx = spot.x - geometry.centre_x, dy = spot.y - geometry.centre_y;
  const double radius = std::sqrt(dx * dx + dy * dy);
  const double cosine = radius > 0 ? dx / radius : 1, sine = radius > 0 ? dy / radius : 0;
  const int half = static_cast<int>(4 * spot.sigma_radial_px) + 1;
  const int side = 2 * half + 1;
  const int x0 = static_cast<int>(std::floor(spot.x + 0.5)) - half;
  const int y0 = static_cast<int>(std::floor(spot.y + 0.5)) - half;
  const double along = 1 / (2 * squared(spot.sigma_radial_px));
  const double across = 1 / (2 * squared(spot.sigma_tangential_px));

  std::vector<double> weights(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  double total = 0;
  for (int j = 0; j < side; ++j)
    for (int i = 0; i < side; ++i) {
      double weight = 0;
      for (int sub = 0; sub < 9; ++sub) {
        const double ex = x0 + i - spot.x + (sub % 3 - 1) / 3.0;
        const double ey = y0 + j - spot.y + (sub / 3 - 1) / 3.0;
        weight += exact::exp(-squared(ex * cosine + ey * sine) * along -
                             squared(ey * cosine - ex * sine) * across);
      }
      weights[static_cast<std::size_t>(j * side + i)] = weight;
      total += weight;
    }
  for (int j = 0; j < side; ++j)
    for (int i = 0; i < side; ++i) {
      const int x = x0 + i, y = y0 + j;
      if (x < 0 || y < 0 || x >= static_cast<int>(geometry.nx) ||
          y >= static_cast<int>(geometry.ny))
        continue;
      image[static_cast<std::size_t>(y) * geometry.nx + static_cast<std::size_t>(x)] +=
          static_cast<float>(spot.photons * weights[static_cast<std::size_t>(j * side + i)] /
                             total);
    }
}

}  // namespace etalon
