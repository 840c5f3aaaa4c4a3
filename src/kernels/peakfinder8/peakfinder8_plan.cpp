#include "kernels/peakfinder8/peakfinder8_plan.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "etalon/array.hpp"

namespace etalon::pf8 {
namespace {

Error usage(const std::string& reason) { return {Errc::usage, "peakfinder8: " + reason}; }

Result<void> check(const Geometry& g, const Mask& mask, const PeakParameters& p) {
  if (g.ny == 0 || g.nx == 0 || Shape{g.ny, g.nx}.count() > max_pixels_of_image)
    return usage("image of " + std::to_string(g.ny) + " x " + std::to_string(g.nx) +
                 " pixels: expected 1 to 2^28 pixels");
  if (mask.size() != g.pixels())
    return usage("mask of " + std::to_string(mask.size()) + " pixels for an image of " +
                 std::to_string(g.pixels()));
  if (!(std::abs(g.centre_x) <= 1e6 && std::abs(g.centre_y) <= 1e6))
    return usage("beam centre " + std::to_string(g.centre_x) + "," + std::to_string(g.centre_y) +
                 ": expected at most 1e6 pixels from the image");
  for (const Panel& panel : g.panels)
    if (panel.y0 >= panel.y1 || panel.x0 >= panel.x1 || panel.y1 > g.ny || panel.x1 > g.nx)
      return usage("panel y=" + std::to_string(panel.y0) + ".." + std::to_string(panel.y1) +
                   ", x=" + std::to_string(panel.x0) + ".." + std::to_string(panel.x1) +
                   ": not inside the image");
  if (!std::isfinite(p.threshold)) return usage("threshold: expected a finite number");
  if (!(p.snr >= 0 && std::isfinite(p.snr))) return usage("snr: expected a number >= 0");
  if (p.min_pixels < 1 || p.max_pixels < p.min_pixels)
    return usage("pixels of a peak: expected 1 <= min <= max");
  if (p.local_radius < 1 || p.local_radius > 1000)
    return usage("local_radius: expected 1 to 1000 pixels");
  if (!(p.min_radius >= 0 && p.max_radius >= p.min_radius))
    return usage("radii: expected 0 <= min_radius <= max_radius");
  return {};
}

constexpr std::uint32_t no_panel = ~std::uint32_t{0};

Result<void> place_panels(const Geometry& g, Plan& plan) {
  plan.panels = g.panels_or_whole();
  if (plan.panels.size() == 1 && plan.panels[0] == Panel{0, g.ny, 0, g.nx}) return {};
  plan.panel_of.assign(plan.pixels(), no_panel);
  for (std::uint32_t id = 0; id < plan.panels.size(); ++id) {
    const Panel& panel = plan.panels[id];
    for (std::size_t y = panel.y0; y < panel.y1; ++y)
      for (std::size_t x = panel.x0; x < panel.x1; ++x) {
        std::uint32_t& owner = plan.panel_of[y * plan.nx + x];
        if (owner != no_panel)
          return usage("panels " + std::to_string(owner) + " and " + std::to_string(id) +
                       ": overlap");
        owner = id;
      }
  }
  return {};
}

void assign_bins(const Geometry& g, const Mask& mask, const PeakParameters& p, Plan& plan) {
  const std::vector<float> radius = radius_map(g);
  const auto good = [&](std::size_t i) {
    return mask[i] != 0 && plan.panel(i) != no_panel && radius[i] >= p.min_radius &&
           radius[i] <= p.max_radius;
  };
  const auto bin = [&](std::size_t i) {
    return static_cast<std::uint32_t>(std::nearbyint(radius[i]));
  };
  std::uint32_t first = ~std::uint32_t{0}, last = 0;
  for (std::size_t i = 0; i < plan.pixels(); ++i)
    if (good(i)) {
      first = std::min(first, bin(i));
      last = std::max(last, bin(i));
    }
  plan.bins = first <= last ? last - first + 1 : 0;
  plan.bin_of.assign(plan.pixels(), plan.bins);
  for (std::size_t i = 0; i < plan.pixels(); ++i)
    if (good(i)) plan.bin_of[i] = bin(i) - first;
}

void sort_pixels(Plan& plan) {
  plan.bin_begin.assign(plan.bins + 1, 0);
  for (std::uint32_t bin : plan.bin_of)
    if (bin < plan.bins) ++plan.bin_begin[bin + 1];
  for (std::uint32_t bin = 0; bin < plan.bins; ++bin) {
    plan.widest_bin = std::max<std::size_t>(plan.widest_bin, plan.bin_begin[bin + 1]);
    plan.bin_begin[bin + 1] += plan.bin_begin[bin];
  }
  plan.order.resize(plan.bin_begin[plan.bins]);
  std::vector<std::uint32_t> next = plan.bin_begin;
  for (std::uint32_t i = 0; i < plan.bin_of.size(); ++i)
    if (plan.bin_of[i] < plan.bins) plan.order[next[plan.bin_of[i]]++] = i;

  plan.run_begin.assign(plan.bins + 1, 0);
  for (std::uint32_t bin = 0; bin < plan.bins; ++bin) {
    std::size_t i = plan.bin_begin[bin];
    while (i < plan.bin_begin[bin + 1]) {
      std::uint32_t length = 1;
      while (length < run_pixels && i + length < plan.bin_begin[bin + 1] &&
             plan.order[i + length] == plan.order[i] + length)
        ++length;
      plan.runs.push_back(plan.order[i] << 4 | length);
      i += length;
    }
    plan.run_begin[bin + 1] = static_cast<std::uint32_t>(plan.runs.size());
  }
}

void make_ring(const PeakParameters& p, Plan& plan) {
  const std::int64_t reach = 2 * std::int64_t{p.local_radius};
  for (std::int64_t dy = -reach; dy < reach; ++dy) {
    std::int64_t dx = 0;  // the widest inside the circle
    while ((dx + 1) * (dx + 1) + dy * dy <= reach * reach) ++dx;
    plan.ring.push_back({dy, -dx, std::min(dx + 1, reach)});
  }
}

}  // namespace

Result<Plan> make_plan(const Geometry& geometry, const Mask& mask, const PeakParameters& p) {
  ETALON_TRY(check(geometry, mask, p));
  Plan plan;
  plan.ny = geometry.ny;
  plan.nx = geometry.nx;
  ETALON_TRY(place_panels(geometry, plan));
  assign_bins(geometry, mask, p, plan);
  sort_pixels(plan);
  if (plan.widest_bin > max_pixels_of_bin)
    return usage("more than 2^20 pixels at one distance from the beam centre");
  make_ring(p, plan);
  return plan;
}

}  // namespace etalon::pf8
