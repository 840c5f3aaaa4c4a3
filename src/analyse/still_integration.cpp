#include "analyse/still_integration.hpp"

#include <algorithm>
#include <cmath>

namespace etalon {
namespace {

constexpr double most_points = 0x1p25;
constexpr double reference_q = 1.0 / 3;  // where the Lorentz factor is 1

}  // namespace

double RockingWidth::at(double q) const { return std::sqrt(constant + slope * q * q); }

// A line through the squares by least squares; neither part may be negative.
RockingWidth rocking_width(const CrystalLattice& lattice, const Matrix3& basis) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const IndexedPeak& p : lattice.peaks) {
    const Vector3 q = basis * Vector3{double(p.index[0]), double(p.index[1]), double(p.index[2])};
    const double q2 = dot(q, q), e2 = p.excitation * p.excitation;
    n += 1, x += q2, y += e2, xx += q2 * q2, xy += q2 * e2;
  }
  const double spread = n * xx - x * x;
  RockingWidth width;
  if (!(n > 0)) return width;
  width.slope = spread > 0 ? std::max(0.0, (n * xy - x * y) / spread) : 0;
  width.constant = (y - width.slope * x) / n;
  if (width.constant <= 0) width = {0, y / x};
  return width;
}

Result<StillIntegrator> StillIntegrator::create(const Indexer& indexer, const Mask& mask,
                                                const IntegrationSettings& settings) {
  const auto refuse = [](const std::string& what) {
    return Error{Errc::usage, "integration: " + what};
  };
  if (!(settings.widths > 0 && settings.widths <= 10))
    return refuse("width of the rocking curve: must be above 0 and at most 10");
  if (!(settings.d_min_angstrom >= 0)) return refuse("resolution: must not be below 0");
  if (!(settings.gain > 0 && std::isfinite(settings.gain))) return refuse("gain: must be above 0");
  if (!(settings.polarization >= 0 && settings.polarization <= 1))
    return refuse("polarization: must lie in 0..1");
  double q_max = indexer.map().q_max();
  if (settings.d_min_angstrom > 0) q_max = std::min(q_max, 1 / settings.d_min_angstrom);
  if (4.2 * q_max * q_max * q_max * volume(indexer.settings().cell) > most_points)
    return refuse("more than 2^25 reflections: take a coarser resolution");
  return StillIntegrator(indexer, mask, settings, q_max);
}

std::vector<PredictedReflection> StillIntegrator::predict(const CrystalLattice& lattice) const {
  const double k = indexer_.map().wavenumber();
  const RockingWidth width = rocking_width(lattice, indexer_.basis());
  const double widest = settings_.widths * std::max(width.at(0), width.at(q_max_));
  const UnitCell& cell = indexer_.settings().cell;
  const int h_max = static_cast<int>(cell.a * q_max_), k_max = static_cast<int>(cell.b * q_max_),
            l_max = static_cast<int>(cell.c * q_max_);
  std::vector<PredictedReflection> list;
  for (int h = -h_max; h <= h_max; ++h)
    for (int j = -k_max; j <= k_max; ++j)
      for (int l = -l_max; l <= l_max; ++l) {
        const Vector3 q = lattice.a_matrix * Vector3{double(h), double(j), double(l)};
        const double q2 = dot(q, q);
        // |k_in + q|^2 - k^2, which leaves out most without a square root.
        const double apart = q2 + 2 * k * q[2];
        if (std::abs(apart) > 2.2 * k * widest || q2 > q_max_ * q_max_) continue;
        const Miller index{h, j, l};
        if (index == Miller{} || !indexer_.is_present(index)) continue;
        const Vector3 out{q[0], q[1], q[2] + k};
        const double length_q = std::sqrt(q2), excitation = length(out) - k;
        if (std::abs(excitation) > settings_.widths * width.at(length_q)) continue;
        const auto place = indexer_.map().place_of(out);
        if (!place) continue;
        list.push_back({index,
                        {place->x - lattice.beam_dx, place->y - lattice.beam_dy},
                        length_q,
                        excitation});
      }
  return list;
}

double StillIntegrator::polarization_at(const Place& place) const {
  const auto q = indexer_.map().q_at(place);
  if (!q) return 1;
  const double k = indexer_.map().wavenumber(), x = (*q)[0] / k, y = (*q)[1] / k;
  return 1 - settings_.polarization * x * x - (1 - settings_.polarization) * y * y;
}

std::vector<Observation> StillIntegrator::integrate(const ArrayView& image,
                                                    const CrystalLattice& lattice) const {
  const RockingWidth width = rocking_width(lattice, indexer_.basis());
  const double reference = width.at(reference_q);
  std::vector<Observation> observations;
  for (const PredictedReflection& r : predict(lattice)) {
    const auto sum = sum_spot(image, mask_, r.place.x, r.place.y, settings_.aperture);
    const double polarization = polarization_at(r.place);
    if (!sum || !(polarization > 0.05)) continue;
    const double factor = width.at(r.q) / reference / polarization;
    Observation o;
    o.unique = indexer_.settings().point_group.representative(r.index);
    o.intensity = static_cast<float>(factor * sum->net());
    o.sigma = static_cast<float>(factor * sum->sigma(settings_.gain));
    o.q = static_cast<float>(r.q);
    observations.push_back(o);
  }
  return observations;
}

}  // namespace etalon
