#include "analyse/structural_similarity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace etalon {
namespace {

// What is summed over a window: a, b, their squares and product, and elements that are not finite.
// Values count from the middle of the range, so that sums of squares lose nothing.
constexpr std::size_t sums = 6;
constexpr std::size_t widest_strip = 4096;  // windows side by side: bounds the memory
enum { of_a, of_b, of_aa, of_bb, of_ab, of_bad };

class Row {
 public:
  void read(const PairRows& block, std::size_t from, std::size_t n, double middle) {
    numbers_.resize(sums * n);
    double *a = at(of_a), *b = at(of_b);
    block.values(from, 1, n, a);
    block.errors(from, 1, n, b);
    for (std::size_t i = 0; i < n; ++i) {
      const bool bad = std::isnan(b[i]);
      a[i] = bad ? 0 : a[i] - middle;
      b[i] = bad ? 0 : a[i] + b[i];
      at(of_aa)[i] = a[i] * a[i];
      at(of_bb)[i] = b[i] * b[i];
      at(of_ab)[i] = a[i] * b[i];
      at(of_bad)[i] = bad;
    }
  }
  const std::vector<double>& numbers() const { return numbers_; }

 private:
  double* at(std::size_t sum) { return numbers_.data() + sum * (numbers_.size() / sums); }
  std::vector<double> numbers_;
};

}  // namespace

void StructuralSimilarity::add(const PairRows& block) {
  if (!(high_ > low_) || !std::isfinite(high_ - low_)) return;
  const std::size_t windows = block.length() - std::min(window, block.length()) + 1;
  for (std::size_t x = 0; x < windows; x += widest_strip)
    add_strip(block, x, std::min(widest_strip, windows - x));
}

void StructuralSimilarity::add_strip(const PairRows& block, std::size_t x, std::size_t windows) {
  const Shape& shape = block.shape();
  const std::size_t ny = shape.rank() >= 2 ? shape[shape.rank() - 2] : 1;
  const std::size_t wy = std::min(window, ny), wx = std::min(window, block.length());
  const std::size_t nx = windows + wx - 1;
  const auto n = static_cast<double>(wy * wx);
  const double sample = n > 1 ? n / (n - 1) : 1;
  const double range = high_ - low_, middle = low_ + range / 2;
  const double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range;
  std::vector<Row> ring(wy);
  std::vector<double> columns(sums * nx);
  for (std::size_t row = 0; row < block.rows(); ++row) {
    const std::size_t y = row % ny;
    ring[y % wy].read(block, row * block.length() + x, nx, middle);
    if (y + 1 < wy) continue;
    columns = ring[0].numbers();
    for (std::size_t k = 1; k < wy; ++k)
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i] += ring[k].numbers()[i];
    double in_row = 0;
    for (std::size_t w = 0; w < windows; ++w) {
      double s[sums] = {};
      for (std::size_t q = 0; q < sums; ++q)
        for (std::size_t i = 0; i < wx; ++i) s[q] += columns[q * nx + w + i];
      if (s[of_bad] != 0) {
        ++left_out_;
        continue;
      }
      const double a = s[of_a] / n, b = s[of_b] / n;
      const double spread = sample * (s[of_aa] / n - a * a + s[of_bb] / n - b * b);
      const double together = sample * (s[of_ab] / n - a * b);
      const double ma = middle + a, mb = middle + b;
      in_row +=
          (2 * ma * mb + c1) * (2 * together + c2) / ((ma * ma + mb * mb + c1) * (spread + c2));
      ++windows_;
    }
    sum_ += in_row;
  }
}

double StructuralSimilarity::mean() const {
  return windows_ == 0 ? std::numeric_limits<double>::quiet_NaN()
                       : sum_ / static_cast<double>(windows_);
}

}  // namespace etalon
