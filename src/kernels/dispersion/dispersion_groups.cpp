// Steps 3 and 4: from strong pixels to measured peaks. One variant for all backends.
#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/dispersion/dispersion_plan.hpp"

namespace etalon::dispersion {
namespace {

double ratio(Int128 numerator, Int128 denominator) {
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

class Measurer {
 public:
  Measurer(const Plan& plan, const DispersionParameters& parameters, const Scale& scale,
           Scratch& scratch)
      : plan_(plan), parameters_(parameters), scale_(scale), scratch_(scratch) {}

  std::vector<Peak> run() {
    std::vector<std::pair<std::uint64_t, Peak>> found;
    for (std::uint32_t pixel : scratch_.pixels) {
      if (scratch_.state[pixel] != Scratch::strong) continue;
      grow(pixel);
      Peak peak;
      if (group_.size() < parameters_.min_pixels || group_.size() > parameters_.max_pixels ||
          !measure(plan_.panels[plan_.panel(pixel)], peak))
        continue;
      found.emplace_back(std::uint64_t{plan_.panel(pixel)} << 32 | group_.front(), peak);
    }
    for (std::uint32_t pixel : scratch_.pixels) scratch_.state[pixel] = Scratch::none;
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Peak> peaks;
    peaks.reserve(found.size());
    for (const auto& [key, peak] : found) peaks.push_back(peak);
    return peaks;
  }

 private:
  // Collects the group of `seed`, in ascending order.
  void grow(std::uint32_t seed) {
    const Panel& panel = plan_.panels[plan_.panel(seed)];
    group_.clear();
    const auto take = [&](std::size_t pixel) {
      if (scratch_.state[pixel] != Scratch::strong) return;
      scratch_.state[pixel] = Scratch::grouped;
      group_.push_back(static_cast<std::uint32_t>(pixel));
    };
    take(seed);
    for (std::size_t i = 0; i < group_.size(); ++i) {
      const std::size_t pixel = group_[i], y = pixel / plan_.nx, x = pixel % plan_.nx;
      if (x > panel.x0) take(pixel - 1);
      if (x + 1 < panel.x1) take(pixel + 1);
      if (y > panel.y0) take(pixel - plan_.nx);
      if (y + 1 < panel.y1) take(pixel + plan_.nx);
    }
    std::sort(group_.begin(), group_.end());
  }

  // The group in hand as a peak; false when it is none.
  bool measure(const Panel& panel, Peak& peak) const {
    Int128 weight = 0, by_x = 0, by_y = 0;
    std::size_t y0 = plan_.ny, y1 = 0, x0 = plan_.nx, x1 = 0, highest = group_.front();
    for (std::uint32_t pixel : group_) {
      const std::size_t y = pixel / plan_.nx, x = pixel % plan_.nx;
      const std::int64_t w = scratch_.values[pixel];
      weight += w;
      by_y += Int128{w} * static_cast<std::int64_t>(y);
      by_x += Int128{w} * static_cast<std::int64_t>(x);
      if (w > scratch_.values[highest]) highest = pixel;
      y0 = std::min(y0, y), y1 = std::max(y1, y), x0 = std::min(x0, x), x1 = std::max(x1, x);
    }
    const double y = ratio(by_y, weight), x = ratio(by_x, weight);  // strong is above T >= 0
    const double dy = y - static_cast<double>(highest / plan_.nx);
    const double dx = x - static_cast<double>(highest % plan_.nx);
    if (std::sqrt(dy * dy + dx * dx) > static_cast<double>(parameters_.max_separation))
      return false;

    const auto ry = static_cast<std::size_t>(plan_.kernel_size[0] + 2);
    const auto rx = static_cast<std::size_t>(plan_.kernel_size[1] + 2);
    pf8::Sums sums =
        background({std::max(y0, panel.y0 + ry) - ry, std::min(y1 + ry + 1, panel.y1),
                    std::max(x0, panel.x0 + rx) - rx, std::min(x1 + rx + 1, panel.x1)});
    double sigma = pf8::standard_deviation(sums);
    if (sums.n == 0) {
      sums.n = 1;  // mean 0
      sigma = 0.01 * static_cast<double>(scale_.per_unit);
    }
    const auto pixels = static_cast<std::int64_t>(group_.size());
    const double total = ratio(weight * sums.n - Int128{sums.s} * pixels, sums.n);
    const double top = ratio(Int128{scratch_.values[highest]} * sums.n - sums.s, sums.n);
    const double unit = 1.0 / static_cast<double>(scale_.per_unit);
    peak.x = static_cast<float>(x);
    peak.y = static_cast<float>(y);
    peak.intensity = static_cast<float>(total * unit);
    peak.max = static_cast<float>(std::max(top, 0.0) * unit);
    peak.sigma = static_cast<float>(sigma * unit);
    peak.snr = static_cast<float>(sigma > 0 ? total / sigma : 0);
    peak.pixels = static_cast<std::uint32_t>(pixels);
    return true;
  }

  pf8::Sums background(const Panel& area) const {
    pf8::Sums sums;
    for (std::size_t y = area.y0; y < area.y1; ++y)
      for (std::size_t pixel = y * plan_.nx + area.x0; pixel < y * plan_.nx + area.x1; ++pixel)
        if (scratch_.values[pixel] != bad_value && scratch_.state[pixel] == Scratch::none)
          sums.add(scratch_.values[pixel]);
    return sums;
  }

  const Plan& plan_;
  const DispersionParameters& parameters_;
  const Scale& scale_;
  Scratch& scratch_;
  std::vector<std::uint32_t> group_;
};

}  // namespace

std::vector<Peak> measure_groups(const Plan& plan, const DispersionParameters& parameters,
                                 const Scale& scale, Scratch& scratch) {
  return Measurer(plan, parameters, scale, scratch).run();
}

}  // namespace etalon::dispersion
