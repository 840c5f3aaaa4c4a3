#include "sim/phantom.hpp"

#include <cmath>
#include <cstddef>

namespace etalon {

const std::vector<Ellipse>& shepp_logan() {
  constexpr double turn = 3.14159265358979323846 / 180;
  static const std::vector<Ellipse> head = {
      {1, 0.69, 0.92, 0, 0, 0},
      {-0.8, 0.6624, 0.874, 0, -0.0184, 0},
      {-0.2, 0.11, 0.31, 0.22, 0, -18 * turn},
      {-0.2, 0.16, 0.41, -0.22, 0, 18 * turn},
      {0.1, 0.21, 0.25, 0, 0.35, 0},
      {0.1, 0.046, 0.046, 0, 0.1, 0},
      {0.1, 0.046, 0.046, 0, -0.1, 0},
      {0.1, 0.046, 0.023, -0.08, -0.605, 0},
      {0.1, 0.023, 0.023, 0, -0.606, 0},
      {0.1, 0.023, 0.046, 0.06, -0.605, 0},
  };
  return head;
}

double line_integral(const std::vector<Ellipse>& phantom, double theta_rad, double s) {
  double sum = 0;
  for (const Ellipse& e : phantom) {
    const double off = s - e.x * std::cos(theta_rad) - e.y * std::sin(theta_rad);
    const double c = std::cos(theta_rad - e.angle_rad), d = std::sin(theta_rad - e.angle_rad);
    const double width2 = e.a * e.a * c * c + e.b * e.b * d * d;
    if (off * off < width2) sum += e.value * 2 * e.a * e.b * std::sqrt(width2 - off * off) / width2;
  }
  return sum;
}

std::vector<double> rasterize(const std::vector<Ellipse>& phantom, std::size_t n,
                              std::size_t samples) {
  std::vector<double> image(n * n);
  const double step = 2.0 / static_cast<double>(n * samples);
  for (const Ellipse& e : phantom) {
    const double c = std::cos(e.angle_rad), d = std::sin(e.angle_rad);
    for (std::size_t i = 0; i < n * samples; ++i)
      for (std::size_t j = 0; j < n * samples; ++j) {
        const double y = 1 - (static_cast<double>(i) + 0.5) * step - e.y,
                     x = -1 + (static_cast<double>(j) + 0.5) * step - e.x;
        const double u = (x * c + y * d) / e.a, v = (y * c - x * d) / e.b;
        if (u * u + v * v < 1)
          image[i / samples * n + j / samples] += e.value / static_cast<double>(samples * samples);
      }
  }
  return image;
}

}  // namespace etalon
