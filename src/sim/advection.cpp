#include "sim/advection.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace etalon {

std::array<double, 6> lagrange6(double u) {
  std::array<double, 6> weights{};
  for (int m = 0; m < 6; ++m) {
    double product = 1;
    for (int l = 0; l < 6; ++l)
      if (l != m) product *= (u - (l - 2)) / (m - l);
    weights[static_cast<std::size_t>(m)] = product;
  }
  return weights;
}

void shift_lines(const Lines& lines, double shift) {
  constexpr std::size_t widest = 64;  // columns at a time, so that they stay in the cache
  const auto n = static_cast<std::int64_t>(lines.n);
  const double whole = std::floor(-shift);
  const auto w = lagrange6(-shift - whole);
  const auto start = ((static_cast<std::int64_t>(whole) - 2) % n + n) % n;
  thread_local std::vector<double> before, after;
  for (std::size_t column = 0; column < lines.run; column += widest) {
    const std::size_t run = std::min(widest, lines.run - column);
    double* const first = lines.first + column;
    before.resize((lines.n + 5) * run);
    after.resize(lines.n * run);
    auto from = static_cast<std::size_t>(start);
    for (std::size_t j = 0; j < lines.n + 5; ++j, from = from + 1 == lines.n ? 0 : from + 1)
      std::copy_n(first + from * lines.stride, run, &before[j * run]);
    for (std::size_t i = 0; i < after.size(); ++i) {
      const double* f = &before[i];
      after[i] = (w[0] * f[0] + w[1] * f[run] + w[2] * f[2 * run]) +
                 (w[3] * f[3 * run] + w[4] * f[4 * run] + w[5] * f[5 * run]);
    }
    for (std::size_t j = 0; j < lines.n; ++j)
      std::copy_n(&after[j * run], run, first + j * lines.stride);
  }
}

}  // namespace etalon
