// The algorithm as one writes it down first: five passes over floating-point sums, then a scan that
// grows every peak from its first pixel. Independent of Etalon's integer definition: what tests
// compare it with, and what the benchmark's ratios are against.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "etalon/peaks.hpp"
#include "frame/geometry.hpp"

namespace etalon::pf8 {

template <typename Real>
class Textbook {
 public:
  Textbook(const Geometry& geometry, const Mask& mask, const PeakParameters& parameters)
      : g_(geometry), p_(parameters), panels_(geometry.panels_or_whole()), good_(mask) {
    Mask covered(g_.pixels());
    for (const Panel& panel : panels_)
      for (std::size_t y = panel.y0; y < panel.y1; ++y)
        for (std::size_t x = panel.x0; x < panel.x1; ++x) covered[y * g_.nx + x] = 1;
    const std::vector<float> radius = radius_map(g_);
    for (std::size_t i = 0; i < g_.pixels(); ++i) {
      bin_.push_back(static_cast<std::size_t>(std::lrint(radius[i])));
      if (!covered[i] || radius[i] < p_.min_radius || radius[i] > p_.max_radius) good_[i] = 0;
    }
    bins_ = *std::max_element(bin_.begin(), bin_.end()) + 1;
  }

  // One (y, x) image, as Real.
  std::vector<Peak> find(const std::vector<Real>& image) {
    image_ = image.data();
    radial_statistics();
    visited_.assign(g_.pixels(), 0);
    std::vector<Peak> peaks;
    for (const Panel& panel : panels_)
      for (std::size_t y = panel.y0 + 1; y + 1 < panel.y1; ++y)
        for (std::size_t x = panel.x0 + 1; x + 1 < panel.x1; ++x)
          if (stands_out(y * g_.nx + x) && !visited_[y * g_.nx + x]) {
            grow(panel, y * g_.nx + x);
            Peak peak;
            if (measure(panel, peak)) peaks.push_back(peak);
          }
    return peaks;
  }

 private:
  static constexpr Real highest = std::numeric_limits<Real>::max();

  void radial_statistics() {
    upper_.assign(bins_, Real(1e9));
    lower_.assign(bins_, Real(-1e9));
    for (int round = 0; round < 5; ++round) {
      std::vector<Real> n(bins_), sum(bins_), squares(bins_);
      for (std::size_t i = 0; i < g_.pixels(); ++i) {
        const Real v = image_[i];
        const std::size_t k = bin_[i];
        if (!good_[i] || !(v < upper_[k] && v > lower_[k])) continue;
        n[k] += 1;
        sum[k] += v;
        squares[k] += v * v;
      }
      mean_.assign(bins_, 0);
      for (std::size_t k = 0; k < bins_; ++k) {
        if (n[k] == 0) {
          upper_[k] = round == 4 ? highest : Real(1e9);
          lower_[k] = Real(-1e9);
          continue;
        }
        mean_[k] = sum[k] / n[k];
        const Real sigma = std::sqrt(std::max(squares[k] / n[k] - mean_[k] * mean_[k], Real(0)));
        upper_[k] = std::max(mean_[k] + Real(p_.snr) * sigma, Real(p_.threshold));
        lower_[k] = mean_[k] - Real(p_.snr) * sigma;
      }
    }
  }

  // In double precision: without the rounding noise that would decide which way a half goes.
  static Real settled(Real v) {
    if constexpr (sizeof(Real) == 8) return std::nearbyint(v * 0x1p30) * 0x1p-30;
    return v;
  }

  bool stands_out(std::size_t i) const { return good_[i] && image_[i] > upper_[bin_[i]]; }

  void grow(const Panel& panel, std::size_t seed) {
    group_.assign(1, seed);
    visited_[seed] = 1;
    for (std::size_t next = 0; next < group_.size(); ++next)
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          const std::size_t y = group_[next] / g_.nx + dy, x = group_[next] % g_.nx + dx;
          if (y < panel.y0 || y >= panel.y1 || x < panel.x0 || x >= panel.x1) continue;
          const std::size_t i = y * g_.nx + x;
          if (visited_[i] || !stands_out(i)) continue;
          visited_[i] = 1;
          group_.push_back(i);
        }
  }

  bool measure(const Panel& panel, Peak& peak) const {
    if (group_.size() < p_.min_pixels || group_.size() > p_.max_pixels) return false;
    Real weight = 0, wx = 0, wy = 0, raw = 0, rx = 0, ry = 0;
    for (std::size_t i : group_) {
      const Real x = static_cast<Real>(i % g_.nx), y = static_cast<Real>(i / g_.nx);
      const Real above = image_[i] - mean_[bin_[i]];
      weight += above, wx += above * x, wy += above * y;
      raw += image_[i], rx += image_[i] * x, ry += image_[i] * y;
    }
    const long cx = std::lrint(settled(wx / weight)), cy = std::lrint(settled(wy / weight));
    const long reach = 2 * static_cast<long>(p_.local_radius);
    Real n = 0, sum = 0, squares = 0, largest = -highest;
    for (long dy = -reach; dy < reach; ++dy)
      for (long dx = -reach; dx < reach; ++dx) {
        const long y = cy + dy, x = cx + dx;
        if (std::sqrt(Real(dx * dx + dy * dy)) > Real(reach)) continue;
        if (y < long(panel.y0) || y >= long(panel.y1) || x < long(panel.x0) || x >= long(panel.x1))
          continue;
        const std::size_t i = static_cast<std::size_t>(y) * g_.nx + static_cast<std::size_t>(x);
        if (!good_[i] || visited_[i] || !(image_[i] < upper_[bin_[i]])) continue;
        n += 1, sum += image_[i], squares += image_[i] * image_[i];
        largest = std::max(largest, image_[i]);
      }
    const std::size_t centre = static_cast<std::size_t>(cy) * g_.nx + static_cast<std::size_t>(cx);
    const Real mean = n > 0 ? sum / n : mean_[bin_[centre]];
    const Real variance = n > 0 ? squares / n - mean * mean : -1;
    const Real sigma = variance >= 0 ? std::sqrt(variance) : Real(0.01);
    Real total = 0, most = 0;
    for (std::size_t i : group_) {
      total += image_[i] - mean;
      most = std::max(most, image_[i] - mean);
    }
    const Real snr = sigma > Real(1e-10) ? total / sigma : 0, x = rx / raw, y = ry / raw;
    if (snr < Real(p_.snr) || (n > 0 && most < largest - mean)) return false;
    if (std::lrint(x) < long(panel.x0) || std::lrint(x) >= long(panel.x1) ||
        std::lrint(y) < long(panel.y0) || std::lrint(y) >= long(panel.y1))
      return false;
    peak = {float(x),
            float(y),
            float(total),
            float(most),
            float(sigma),
            float(snr),
            static_cast<std::uint32_t>(group_.size())};
    return true;
  }

  Geometry g_;
  PeakParameters p_;
  std::vector<Panel> panels_;
  Mask good_;
  std::vector<std::size_t> bin_;
  std::size_t bins_ = 0;
  const Real* image_ = nullptr;
  std::vector<Real> mean_, upper_, lower_;
  std::vector<std::uint8_t> visited_;
  std::vector<std::size_t> group_;
};

}  // namespace etalon::pf8
