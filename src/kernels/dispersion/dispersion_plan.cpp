#include "kernels/dispersion/dispersion_plan.hpp"

#include <cmath>
#include <string>

namespace etalon::dispersion {
namespace {

Error usage(const std::string& reason) { return {Errc::usage, "dispersion: " + reason}; }

Result<void> check(const DispersionParameters& p) {
  const auto at_least_0 = [](float v) { return v >= 0 && std::isfinite(v); };
  for (std::uint32_t k : p.kernel_size)
    if (k < 1 || k > max_kernel) return usage("kernel_size: expected 1 to 30 rows and columns");
  const std::uint32_t whole = (2 * p.kernel_size[0] + 1) * (2 * p.kernel_size[1] + 1);
  if (p.min_local == 1 || p.min_local > whole)
    return usage("min_local: expected 0, or 2 to the " + std::to_string(whole) +
                 " pixels of a window");
  if (!at_least_0(p.sigma_background)) return usage("sigma_background: expected a number >= 0");
  if (!at_least_0(p.sigma_strong)) return usage("sigma_strong: expected a number >= 0");
  if (!at_least_0(p.threshold)) return usage("threshold: expected a number >= 0");
  if (!(p.gain > 0 && std::isfinite(p.gain))) return usage("gain: expected a number > 0");
  if (p.min_pixels < 1 || p.max_pixels < p.min_pixels)
    return usage("pixels of a peak: expected 1 <= min <= max");
  if (!(p.max_separation >= 0)) return usage("max_separation: expected a number >= 0");
  if (!(p.min_radius >= 0 && p.max_radius >= p.min_radius))
    return usage("radii: expected 0 <= min_radius <= max_radius");
  return {};
}

}  // namespace

Result<Plan> make_plan(const Geometry& geometry, const Mask& mask, const DispersionParameters& p) {
  ETALON_TRY(check_geometry("dispersion", geometry, mask));
  ETALON_TRY(check(p));
  Plan plan;
  plan.ny = geometry.ny;
  plan.nx = geometry.nx;
  plan.panels = geometry.panels_or_whole();
  ETALON_ASSIGN(plan.panel_of, panel_of_pixels("dispersion", geometry));
  plan.kernel_size = {p.kernel_size[0], p.kernel_size[1]};
  const std::vector<float> radius = radius_map(geometry);
  plan.good.resize(mask.size());
  for (std::size_t i = 0; i < mask.size(); ++i)
    plan.good[i] = mask[i] != 0 && plan.panel(i) != no_panel && radius[i] >= p.min_radius &&
                   radius[i] <= p.max_radius;
  return plan;
}

}  // namespace etalon::dispersion
