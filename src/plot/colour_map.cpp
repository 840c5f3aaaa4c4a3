#include "plot/colour_map.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace etalon::plot {
namespace {

// Linear light of the three primaries.
std::array<double, 3> linear_rgb(double lightness, double a, double b) {
  const auto cube = [](double v) { return v * v * v; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

bool shown(const std::array<double, 3>& rgb) {
  return std::ranges::all_of(rgb, [](double v) { return v >= -1e-9 && v <= 1 + 1e-9; });
}

// IEC 61966-2-1.
std::uint8_t gamma(double v) {
  v = std::clamp(v, 0.0, 1.0);
  const double out = v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * out));
}

}  // namespace

Colour from_oklab(double lightness, double a, double b) {
  double keep = 1;
  while (keep > 0 && !shown(linear_rgb(lightness, keep * a, keep * b))) keep -= 0.01;
  keep = std::max(keep, 0.0);
  const auto rgb = linear_rgb(lightness, keep * a, keep * b);
  return {gamma(rgb[0]), gamma(rgb[1]), gamma(rgb[2])};
}

const std::array<Colour, 256>& colour_map() {
  static const std::array<Colour, 256> map = [] {
    std::array<Colour, 256> made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      const double share = static_cast<double>(i) / 255;
      const double hue = (305 - 205 * share) * std::numbers::pi / 180;
      made[i] = from_oklab(0.17 + 0.78 * share, 0.15 * std::cos(hue), 0.15 * std::sin(hue));
    }
    return made;
  }();
  return map;
}

Colour colour_of(double share) {
  return colour_map()[static_cast<std::size_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)))];
}

}  // namespace etalon::plot
