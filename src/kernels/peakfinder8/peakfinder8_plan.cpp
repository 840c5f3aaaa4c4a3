#include "kernels/peakfinder8/peakfinder8_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/panels.hpp"

namespace etalon::pf8 {
namespace {

constexpr std::uint32_t max_bins = 1U << 24;  // no detector has so many pixels in a row

Error usage(const std::string& reason) { return {Errc::usage, "peakfinder8: " + reason}; }

Result<void> assign_bins(const Geometry& g, const Mask& mask, const PeakParameters& p, Plan& plan) {
  const std::vector<float> radius = radius_map(g);
  const auto good = [&](std::size_t i) {
    return mask[i] != 0 && plan.panel(i) != no_panel && radius[i] >= p.min_radius &&
           radius[i] <= p.max_radius;
  };
  float nearest = std::numeric_limits<float>::infinity(), farthest = 0;
  for (std::size_t i = 0; i < plan.pixels(); ++i)
    if (good(i)) {
      nearest = std::min(nearest, radius[i]);
      farthest = std::max(farthest, radius[i]);
    }
  if (farthest - nearest > float{max_bins})
    return usage("pixels at " + std::to_string(nearest) + " and at " + std::to_string(farthest) +
                 " pixels from the beam");
  const auto bin = [&](std::size_t i) {
    return static_cast<std::uint32_t>(std::nearbyint(radius[i]));
  };
  const bool any = nearest <= farthest;
  const auto first = any ? static_cast<std::uint32_t>(std::nearbyint(nearest)) : 1;
  const auto last = any ? static_cast<std::uint32_t>(std::nearbyint(farthest)) : 0;
  plan.bins = first <= last ? last - first + 1 : 0;
  plan.bin_of.assign(plan.pixels(), plan.bins);
  for (std::size_t i = 0; i < plan.pixels(); ++i)
    if (good(i)) plan.bin_of[i] = bin(i) - first;
  return {};
}

// Squares that hold good pixels.
void make_tiles(const Geometry& g, Plan& plan) {
  constexpr std::size_t tile = Plan::tile;
  for (std::size_t y = 0; y < plan.ny; y += tile)
    for (std::size_t x = 0; x < plan.nx; x += tile) {
      const std::size_t rows = std::min(tile, plan.ny - y), columns = std::min(tile, plan.nx - x);
      bool used = false;
      for (std::size_t dy = 0; dy < rows; ++dy)
        for (std::size_t dx = 0; dx < columns; ++dx)
          used |= plan.bin_of[(y + dy) * plan.nx + x + dx] < plan.bins;
      if (!used) continue;
      const double middle = tile / 2 - 0.5;
      const bool turned = std::abs(static_cast<double>(x) + middle - g.centre_x) >
                          std::abs(static_cast<double>(y) + middle - g.centre_y);
      plan.tiles.push_back({static_cast<std::uint32_t>(y * plan.nx + x),
                            static_cast<std::uint8_t>(rows), static_cast<std::uint8_t>(columns),
                            turned});
    }
}

// Calls f(place in the copy, pixel) for the good pixels, in the order of the copy.
template <typename F>
void for_each_copied(const Plan& plan, F&& f) {
  constexpr std::size_t tile = Plan::tile;
  std::uint32_t place = 0;
  for (const Plan::Tile& t : plan.tiles)
    for (std::size_t i = 0; i < tile * tile; ++i, ++place) {
      const std::size_t dy = t.turned ? i % tile : i / tile, dx = t.turned ? i / tile : i % tile;
      if (dy >= t.rows || dx >= t.columns) continue;
      const auto pixel = static_cast<std::uint32_t>(t.pixel + dy * plan.nx + dx);
      if (plan.bin_of[pixel] < plan.bins) f(place, pixel);
    }
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
  std::vector<std::uint32_t> places(plan.order.size()), next = plan.bin_begin;
  for_each_copied(plan, [&](std::uint32_t place, std::uint32_t pixel) {
    const std::uint32_t at = next[plan.bin_of[pixel]]++;
    plan.order[at] = pixel;
    places[at] = place;
  });
  for (std::uint32_t bin = 0; bin < plan.bins; ++bin) {
    plan.runs_begin.push_back(static_cast<std::uint32_t>(plan.runs.size()));
    const std::uint32_t end = plan.bin_begin[bin + 1];
    for (std::uint32_t from = plan.bin_begin[bin], length = 0; from < end; from += length) {
      for (length = 1; length < run_pixels && from + length < end &&
                       places[from + length] == places[from] + length;)
        ++length;
      plan.runs.push_back(places[from] << 4 | length);
    }
  }
  plan.runs_begin.push_back(static_cast<std::uint32_t>(plan.runs.size()));
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

Result<void> check_parameters(const PeakParameters& p) {
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

Result<Plan> make_plan(const Geometry& geometry, const Mask& mask, const PeakParameters& p) {
  ETALON_TRY(check_geometry("peakfinder8", geometry, mask));
  ETALON_TRY(check_parameters(p));
  Plan plan;
  plan.ny = geometry.ny;
  plan.nx = geometry.nx;
  plan.panels = geometry.panels_or_whole();
  ETALON_ASSIGN(plan.panel_of, panel_of_pixels("peakfinder8", geometry));
  ETALON_TRY(assign_bins(geometry, mask, p, plan));
  make_tiles(geometry, plan);
  sort_pixels(plan);
  if (plan.widest_bin > max_pixels_of_bin)
    return usage("more than 2^20 pixels at one distance from the beam centre");
  make_ring(p, plan);
  return plan;
}

}  // namespace etalon::pf8
