#include "kernels/finder/elongation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

namespace etalon {
namespace {

constexpr std::size_t reach = 15;  // pixels from the largest one
constexpr std::size_t side = 2 * reach + 1;

// The part of a panel within `far` rows and columns of a pixel.
Panel around(const Panel& panel, std::size_t y, std::size_t x, std::size_t far) {
  return {std::max(y, panel.y0 + far) - far, std::min(y + far + 1, panel.y1),
          std::max(x, panel.x0 + far) - far, std::min(x + far + 1, panel.x1)};
}

struct Moments {
  std::int64_t n = 0, y = 0, x = 0, yy = 0, xx = 0, xy = 0;
  void add(std::int64_t py, std::int64_t px) {
    ++n;
    y += py, x += px;
    yy += py * py, xx += px * px, xy += px * py;
  }
  // Ratio of the principal standard deviations; a pixel is a square, of variance 1/12.
  double ratio() const {
    const auto number = [](std::int64_t v) { return static_cast<double>(v); };
    const double nn = number(n) * number(n);
    const double vy = number(n * yy - y * y) / nn + 1.0 / 12;
    const double vx = number(n * xx - x * x) / nn + 1.0 / 12;
    const double v = number(n * xy - x * y) / nn;
    const double half = std::sqrt((vy - vx) * (vy - vx) / 4 + v * v);
    return std::sqrt(((vy + vx) / 2 + half) / ((vy + vx) / 2 - half));
  }
};

}  // namespace

double Elongation::operator()(const ArrayView& image, const Peak& peak) const {
  const auto cy = static_cast<std::size_t>(std::nearbyint(peak.y));
  const auto cx = static_cast<std::size_t>(std::nearbyint(peak.x));
  const auto panel = std::find_if(panels_.begin(), panels_.end(), [&](const Panel& p) {
    return cy >= p.y0 && cy < p.y1 && cx >= p.x0 && cx < p.x1;
  });
  if (panel == panels_.end()) return 1;
  double result = 1;
  visit(image.dtype, [&](auto zero) {
    const auto pixels = image.as<decltype(zero)>();
    const auto value = [&](std::size_t y, std::size_t x) {
      return mask_[y * nx_ + x] != 0 ? static_cast<double>(pixels[y * nx_ + x]) : -INFINITY;
    };
    const Panel centre = around(*panel, cy, cx, 2);
    std::size_t ty = cy, tx = cx;
    for (std::size_t y = centre.y0; y < centre.y1; ++y)
      for (std::size_t x = centre.x0; x < centre.x1; ++x)
        if (value(y, x) > value(ty, tx)) ty = y, tx = x;
    const Panel area = around(*panel, ty, tx, reach);
    std::vector<double> all;
    for (std::size_t y = area.y0; y < area.y1; ++y)
      for (std::size_t x = area.x0; x < area.x1; ++x)
        if (value(y, x) > -INFINITY) all.push_back(value(y, x));
    if (all.empty()) return;
    const auto tenth = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 10);
    std::nth_element(all.begin(), tenth, all.end(), std::greater<>());
    const double quarter = value(ty, tx) - 0.75 * static_cast<double>(peak.max);
    const double level = std::max(*tenth, quarter);

    std::array<bool, side * side> seen{};
    std::array<std::pair<std::size_t, std::size_t>, side * side> found;
    std::size_t count = 0;
    Moments moments;
    const auto take = [&](std::size_t y, std::size_t x) {
      bool& was = seen[(y - area.y0) * side + (x - area.x0)];
      if (was) return;
      was = true;
      found[count++] = {y, x};
      moments.add(static_cast<std::int64_t>(y - area.y0), static_cast<std::int64_t>(x - area.x0));
    };
    take(ty, tx);
    for (std::size_t i = 0; i < count; ++i) {
      const auto [py, px] = found[i];
      const Panel near = around(area, py, px, 1);
      for (std::size_t y = near.y0; y < near.y1; ++y)
        for (std::size_t x = near.x0; x < near.x1; ++x)
          if (value(y, x) > level) take(y, x);
    }
    result = moments.ratio();
  });
  return result;
}

}  // namespace etalon
