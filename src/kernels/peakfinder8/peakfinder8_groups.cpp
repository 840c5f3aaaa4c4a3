#include "kernels/peakfinder8/peakfinder8_groups.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace etalon::pf8 {
namespace {

double ratio(Int128 numerator, Int128 denominator) {
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

// Sums of x, y and 1 with integer weights.
struct Moments {
  Int128 x = 0, y = 0, weight = 0;

  void add(std::size_t px, std::size_t py, Int128 w) {
    x += static_cast<Int128>(px) * w;
    y += static_cast<Int128>(py) * w;
    weight += w;
  }
};

// w less the bin's mean, in units of 2^-16 (the mean rounded down).
Int128 above_mean(std::int64_t w, const Sums& radial) {
  const Int128 scaled = Int128{radial.s} * 65536;
  const Int128 quotient = scaled / radial.n;
  return Int128{w} * 65536 - (scaled % radial.n < 0 ? quotient - 1 : quotient);
}

template <typename T>
class Measurer {
 public:
  Measurer(const Plan& plan, const PeakParameters& parameters, const Scale& scale, const T* image,
           const Background& background, GroupScratch& scratch)
      : plan_(plan),
        parameters_(parameters),
        scale_(scale),
        image_(image),
        background_(background),
        scratch_(scratch) {}

  std::vector<Peak> run() {
    scratch_.fired.resize(plan_.pixels());
    for (std::uint32_t pixel : background_.fired) scratch_.fired[pixel] = 1;
    std::vector<std::pair<std::uint64_t, Peak>> found;
    for (std::uint32_t pixel : background_.fired) {
      if (!scratch_.fired[pixel]) continue;
      const bool interior = grow(pixel);
      const std::vector<std::uint32_t>& group = scratch_.group;
      if (!interior || group.size() < parameters_.min_pixels ||
          group.size() > parameters_.max_pixels)
        continue;
      Peak peak;
      if (!measure(plan_.panels[plan_.panel(pixel)], peak)) continue;
      const std::uint32_t first = *std::min_element(group.begin(), group.end());
      found.emplace_back(std::uint64_t{plan_.panel(pixel)} << 32 | first, peak);
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Peak> peaks;
    peaks.reserve(found.size());
    for (const auto& [key, peak] : found) peaks.push_back(peak);
    return peaks;
  }

 private:
  std::int32_t value(std::size_t pixel) const {
    return working_value(image_[pixel], scale_.per_unit);
  }
  const Bin& bin(std::size_t pixel) const { return background_.bins[plan_.bin_of[pixel]]; }

  // Collects the group of `seed` and takes it off the fired pixels. True when one of it lies inside
  // the panel's one-pixel border.
  bool grow(std::uint32_t seed) {
    const Panel& panel = plan_.panels[plan_.panel(seed)];
    std::vector<std::uint32_t>& group = scratch_.group;
    group.assign(1, seed);
    scratch_.fired[seed] = 0;
    bool interior = false;
    for (std::size_t i = 0; i < group.size(); ++i) {
      const std::size_t y = group[i] / plan_.nx, x = group[i] % plan_.nx;
      const std::size_t y0 = std::max(y, panel.y0 + 1) - 1, y1 = std::min(y + 2, panel.y1);
      const std::size_t x0 = std::max(x, panel.x0 + 1) - 1, x1 = std::min(x + 2, panel.x1);
      interior |= y > panel.y0 && y + 1 < panel.y1 && x > panel.x0 && x + 1 < panel.x1;
      for (std::size_t ny = y0; ny < y1; ++ny)
        for (std::size_t nx = x0; nx < x1; ++nx) {
          const std::size_t pixel = ny * plan_.nx + nx;
          if (!scratch_.fired[pixel]) continue;
          scratch_.fired[pixel] = 0;
          group.push_back(static_cast<std::uint32_t>(pixel));
        }
    }
    return interior;
  }

  struct Local {
    Sums sums;
    std::int32_t largest = bad_value;
  };

  Local local_background(const Panel& panel, std::int64_t cy, std::int64_t cx) const {
    const std::int64_t py0 = static_cast<std::int64_t>(panel.y0) - cy;
    const std::int64_t py1 = static_cast<std::int64_t>(panel.y1) - cy;
    const std::int64_t px0 = static_cast<std::int64_t>(panel.x0) - cx;
    const std::int64_t px1 = static_cast<std::int64_t>(panel.x1) - cx;
    Local local;
    for (const Plan::RingRow& row : plan_.ring) {
      if (row.dy < py0 || row.dy >= py1) continue;
      const std::int64_t start = (cy + row.dy) * static_cast<std::int64_t>(plan_.nx) + cx;
      for (std::int64_t dx = std::max(row.dx0, px0); dx < std::min(row.dx1, px1); ++dx) {
        const std::size_t pixel = static_cast<std::size_t>(start + dx);
        if (plan_.bin_of[pixel] == plan_.bins) continue;
        const std::int32_t w = value(pixel);
        if (w == bad_value || w > bin(pixel).limits.hi) continue;
        local.sums.add(w);
        local.largest = std::max(local.largest, w);
      }
    }
    return local;
  }

  // The group in hand as a peak; false when it is none.
  bool measure(const Panel& panel, Peak& peak) const {
    Moments above, raw;  // over the radial mean, and over zero
    std::int32_t largest = bad_value;
    for (std::uint32_t pixel : scratch_.group) {
      const std::size_t y = pixel / plan_.nx, x = pixel % plan_.nx;
      const std::int64_t w = value(pixel);
      above.add(x, y, above_mean(w, bin(pixel).sums));
      raw.add(x, y, w);
      largest = std::max(largest, static_cast<std::int32_t>(w));
    }
    if (raw.weight == 0) return false;
    const auto cy = static_cast<std::int64_t>(std::nearbyint(ratio(above.y, above.weight)));
    const auto cx = static_cast<std::int64_t>(std::nearbyint(ratio(above.x, above.weight)));

    const Local local = local_background(panel, cy, cx);
    Sums sums = local.sums;
    double sigma = standard_deviation(sums);
    if (sums.n == 0) {
      const std::size_t centre =
          static_cast<std::size_t>(cy) * plan_.nx + static_cast<std::size_t>(cx);
      sums = bin(centre).sums;
      if (sums.n == 0) sums.n = 1;  // mean 0
      sigma = 0.01 * static_cast<double>(scale_.per_unit);
    } else if (largest < local.largest && Int128{local.largest} * sums.n > sums.s) {
      return false;  // the background holds more than the peak
    }

    const auto pixels = static_cast<std::int64_t>(scratch_.group.size());
    const double total = ratio(raw.weight * sums.n - Int128{sums.s} * pixels, sums.n);
    const double highest = std::max(ratio(Int128{largest} * sums.n - sums.s, sums.n), 0.0);
    const double snr = sigma > 0 ? total / sigma : 0;
    if (snr < scale_.snr) return false;
    const double x = ratio(raw.x, raw.weight), y = ratio(raw.y, raw.weight);
    const double row = std::nearbyint(y), column = std::nearbyint(x);
    if (row < static_cast<double>(panel.y0) || row >= static_cast<double>(panel.y1) ||
        column < static_cast<double>(panel.x0) || column >= static_cast<double>(panel.x1))
      return false;
    const double unit = 1.0 / static_cast<double>(scale_.per_unit);
    peak.x = static_cast<float>(x);
    peak.y = static_cast<float>(y);
    peak.intensity = static_cast<float>(total * unit);
    peak.max = static_cast<float>(highest * unit);
    peak.sigma = static_cast<float>(sigma * unit);
    peak.snr = static_cast<float>(snr);
    peak.pixels = static_cast<std::uint32_t>(pixels);
    return true;
  }

  const Plan& plan_;
  const PeakParameters& parameters_;
  const Scale& scale_;
  const T* image_;
  const Background& background_;
  GroupScratch& scratch_;
};

}  // namespace

std::vector<Peak> measure_groups(const Plan& plan, const PeakParameters& parameters,
                                 const Scale& scale, const ArrayView& image,
                                 const Background& background, GroupScratch& scratch) {
  std::vector<Peak> peaks;
  visit_image(image.dtype, [&](auto zero) {
    using T = decltype(zero);
    peaks = Measurer<T>(plan, parameters, scale, image.as<T>().data(), background, scratch).run();
  });
  return peaks;
}

}  // namespace etalon::pf8
