#include "sim/detector.hpp"

#include <algorithm>

#include "base/exact_math.hpp"
#include "sim/random.hpp"

namespace etalon {

std::vector<Panel> module_panels(std::size_t ny, std::size_t nx, const DetectorParameters& p) {
  std::vector<Panel> panels;
  for (std::size_t y = 0; y < ny; y += p.module_ny + p.gap_y)
    for (std::size_t x = 0; x < nx; x += p.module_nx + p.gap_x)
      panels.push_back({y, std::min(ny, y + p.module_ny), x, std::min(nx, x + p.module_nx)});
  return panels;
}

Detector make_detector(std::size_t ny, std::size_t nx, const DetectorParameters& p,
                       std::uint64_t seed) {
  Detector detector;
  detector.pixel_mask.assign(ny * nx, mask_gap);
  for (const Panel& panel : module_panels(ny, nx, p))
    for (std::size_t y = panel.y0; y < panel.y1; ++y)
      std::fill_n(detector.pixel_mask.begin() + static_cast<std::ptrdiff_t>(y * nx + panel.x0),
                  panel.x1 - panel.x0, 0);
  for (std::size_t i = 0; i < ny * nx; ++i) {
    if (detector.pixel_mask[i] != 0) continue;
    const auto words = random_words({seed, 0, Purpose::defect}, i);
    const double u = uniform_of(words[0]);
    if (u < p.dead_fraction) {
      detector.pixel_mask[i] = mask_dead;
    } else if (u < p.dead_fraction + p.hot_fraction) {
      // log-uniform between 20 and 60000 counts
      const double v = uniform_of(words[1]);
      detector.hot.push_back({i, 20 * exact::exp(v * exact::log(3000))});
      const double w = (u - p.dead_fraction) / p.hot_fraction;
      if (w < p.hot_known_fraction) detector.pixel_mask[i] = mask_hot;
    }
  }
  return detector;
}

}  // namespace etalon
