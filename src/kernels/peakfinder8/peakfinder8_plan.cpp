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

// True where circles round the beam run along columns rather than along rows.
class Turned {
 public:
  Turned(const Geometry& g, const Plan& plan)
      : nx_(plan.nx), stride_(plan.turned_stride), cy_(g.centre_y), cx_(g.centre_x) {}
  bool operator()(std::size_t pixel) const {
    return stride_ != 0 && std::abs(static_cast<double>(pixel % nx_) - cx_) >
                               std::abs(static_cast<double>(pixel / nx_) - cy_);
  }
  std::uint32_t offset(std::uint32_t pixel) const {
    return static_cast<std::uint32_t>(pixel % nx_ * stride_ + pixel / nx_);
  }

 private:
  std::size_t nx_, stride_;
  double cy_, cx_;
};

void sort_pixels(const Turned& turned, Plan& plan) {
  plan.bin_begin.assign(plan.bins + 1, 0);
  for (std::uint32_t bin : plan.bin_of)
    if (bin < plan.bins) ++plan.bin_begin[bin + 1];
  for (std::uint32_t bin = 0; bin < plan.bins; ++bin) {
    plan.widest_bin = std::max<std::size_t>(plan.widest_bin, plan.bin_begin[bin + 1]);
    plan.bin_begin[bin + 1] += plan.bin_begin[bin];
  }
  plan.order.resize(plan.bin_begin[plan.bins]);
  std::vector<std::uint32_t> next = plan.bin_begin;
  const auto put = [&](std::size_t pixel, bool turn) {
    const std::uint32_t bin = plan.bin_of[pixel];
    if (bin < plan.bins && turned(pixel) == turn)
      plan.order[next[bin]++] = static_cast<std::uint32_t>(pixel);
  };
  for (std::size_t pixel = 0; pixel < plan.pixels(); ++pixel) put(pixel, false);
  for (std::size_t x = 0; plan.turned_stride != 0 && x < plan.nx; ++x)
    for (std::size_t y = 0; y < plan.ny; ++y) put(y * plan.nx + x, true);
}

void make_runs(const Turned& turned, Plan& plan) {
  for (std::uint32_t bin = 0; bin < plan.bins; ++bin) {
    const std::uint32_t begin = plan.bin_begin[bin], end = plan.bin_begin[bin + 1];
    const auto here = [&] { return static_cast<std::uint32_t>(plan.runs.size()); };
    const auto add = [&](std::uint32_t from, std::uint32_t to, auto&& offset) {
      while (from < to) {
        const std::uint32_t start = offset(plan.order[from]);
        std::uint32_t length = 1;
        while (length < run_pixels && from + length < to &&
               offset(plan.order[from + length]) == start + length)
          ++length;
        plan.runs.push_back(start << 4 | length);
        from += length;
      }
    };
    std::uint32_t turn = begin;
    while (turn < end && !turned(plan.order[turn])) ++turn;
    Plan::RunsOfBin runs{here(), 0, 0};
    add(begin, turn, [](std::uint32_t pixel) { return pixel; });
    runs.turned = here();
    add(turn, end, [&](std::uint32_t pixel) { return turned.offset(pixel); });
    runs.end = here();
    plan.runs_of.push_back(runs);
  }
}

// Which squares of the image the turned copy needs: in each band of rows, one span on either side
// of the beam.
void make_turned_spans(const Turned& turned, Plan& plan) {
  if (plan.turned_stride == 0) return;
  for (std::size_t band = 0; band < plan.ny; band += Plan::tile) {
    const std::size_t y0 = std::min(band, plan.ny - Plan::tile);
    std::size_t first = plan.nx, last = 0, gap0 = 0, gap1 = 0;  // [gap0, gap1): longest unused
    for (std::size_t x = 0; x < plan.nx; ++x) {
      bool used = false;
      for (std::size_t y = y0; y < y0 + Plan::tile; ++y) {
        const std::size_t pixel = y * plan.nx + x;
        used |= plan.bin_of[pixel] < plan.bins && turned(pixel);
      }
      if (!used) continue;
      if (first < plan.nx && x - last > gap1 - gap0) gap0 = last, gap1 = x;
      first = std::min(first, x);
      last = x + 1;
    }
    const auto span = [&](std::size_t x0, std::size_t x1) {
      if (x0 < x1)
        plan.turned.push_back({static_cast<std::uint32_t>(y0), static_cast<std::uint32_t>(x0),
                               static_cast<std::uint32_t>(x1)});
    };
    if (gap0 < gap1) {
      span(first, gap0);
      span(gap1, last);
    } else {
      span(first, last);
    }
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
  if (plan.ny >= Plan::tile && plan.nx >= Plan::tile) {
    const std::size_t stride = (plan.ny + 63) / 64 * 64 + 32;  // no power of two: caches alias
    if (stride * plan.nx <= 2 * max_pixels_of_image) plan.turned_stride = stride;
  }
  const Turned turned(geometry, plan);
  sort_pixels(turned, plan);
  make_runs(turned, plan);
  make_turned_spans(turned, plan);
  if (plan.widest_bin > max_pixels_of_bin)
    return usage("more than 2^20 pixels at one distance from the beam centre");
  make_ring(p, plan);
  return plan;
}

}  // namespace etalon::pf8
