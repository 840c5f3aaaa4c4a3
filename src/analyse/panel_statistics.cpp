#include "analyse/panel_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace etalon {
namespace {

// The value with a share `q` of the others below it; nearest rank.
double quantile(std::vector<double>& values, double q) {
  const auto rank =
      static_cast<std::size_t>(std::llround(q * static_cast<double>(values.size() - 1)));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

Result<std::vector<PanelStatistics>> panel_statistics(const Powder& powder) {
  const Geometry& geometry = powder.info().geometry;
  const std::vector<double> means = powder.mean(), variances = powder.variance();
  const std::vector<std::int64_t> sums = powder.sum(), largest = powder.max();
  std::vector<PanelStatistics> all;
  std::vector<double> good;
  for (const Panel& panel : geometry.panels_or_whole()) {
    if (panel.y1 > geometry.ny || panel.x1 > geometry.nx)
      return Error{Errc::malformed, "panel " + std::to_string(all.size()) + ": outside the image"};
    PanelStatistics s;
    s.panel = panel;
    good.clear();
    double total = 0, variance = 0;
    for (std::size_t y = panel.y0; y < panel.y1; ++y)
      for (std::size_t x = panel.x0; x < panel.x1; ++x) {
        const std::size_t i = y * geometry.nx + x;
        if (powder.mask()[i] == 0) continue;
        s.max = good.empty() ? largest[i] : std::max(s.max, largest[i]);
        good.push_back(means[i]);
        total += means[i];
        variance += variances[i];
        if (powder.frames() == 0) continue;
        if (sums[i] == 0 && largest[i] == 0 && variances[i] == 0)
          ++s.dead_pixels;
        else if (powder.frames() > 1 && variances[i] == 0)
          ++s.constant_pixels;
      }
    s.good_pixels = good.size();
    if (!good.empty()) {
      s.mean = total / static_cast<double>(good.size());
      s.median = quantile(good, 0.5);
      s.low = quantile(good, 0.01);
      s.high = quantile(good, 0.99);
    }
    if (total > 0) s.variance_over_mean = variance / total;
    all.push_back(s);
  }
  return all;
}

}  // namespace etalon
