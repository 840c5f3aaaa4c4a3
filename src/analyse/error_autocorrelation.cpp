#include "analyse/error_autocorrelation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace etalon {
namespace {

constexpr std::size_t longest_stretch = 4096;  // of a row: bounds the memory

// In eight sums side by side, which vectorize in a fixed order.
double dot(const double* a, const double* b, std::size_t n) {
  std::array<double, 8> part{};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::size_t k = 0; k < 8; ++k) part[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) part[0] += a[i] * b[i];
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

}  // namespace

// Errors less their mean of a stretch of a row; 0 where there is none, and then `good` says so.
struct ErrorAutocorrelation::Stretch {
  std::vector<double> errors, good;
  bool all_good = true;

  void read(const PairRows& block, std::size_t at, std::size_t n, double mean) {
    errors.resize(n);
    block.errors(at, 1, n, errors.data());
    all_good = true;
    for (double& e : errors) {
      e -= mean;
      all_good = all_good && e == e;
    }
    if (all_good) return;
    good.assign(n, 1);
    for (std::size_t i = 0; i < n; ++i)
      if (std::isnan(errors[i])) errors[i] = good[i] = 0;
  }
};

// The first `n` of a with those of b from `lag` on.
void ErrorAutocorrelation::add_pairs(const Stretch& a, const Stretch& b, std::size_t lag,
                                     std::size_t n, Sum& sum) {
  sum.products += dot(a.errors.data(), b.errors.data() + lag, n);
  if (a.all_good && b.all_good) {
    sum.pairs += n;
    return;
  }
  for (std::size_t i = 0; i < n; ++i)
    sum.pairs += (a.all_good || a.good[i] != 0) && (b.all_good || b.good[i + lag] != 0);
}

void ErrorAutocorrelation::add(const PairRows& block) {
  rank_ = block.shape().rank();
  Stretch own, other;
  for (std::size_t row = 0; row < block.rows(); ++row)
    for (std::size_t x = 0; x < block.length(); x += longest_stretch)
      add_stretch(block, row, x, own, other);
}

void ErrorAutocorrelation::add_stretch(const PairRows& block, std::size_t row, std::size_t x,
                                       Stretch& own, Stretch& other) {
  const Shape& shape = block.shape();
  const std::size_t length = block.length(), left = length - x;
  const std::size_t n = std::min(left, longest_stretch), at = row * length + x;
  own.read(block, at, std::min(left, n + max_lag), mean_);
  add_pairs(own, own, 0, n, squares_);
  for (std::size_t lag = 1; lag <= std::min(max_lag, left - 1); ++lag)
    add_pairs(own, own, lag, std::min(n, left - lag), sums_[rank_ - 1][lag - 1]);
  std::size_t rows_per = 1;  // that a step along the axis moves over
  for (std::size_t axis = rank_ - 1; axis-- > 0; rows_per *= shape[axis]) {
    const std::size_t after = shape[axis] - 1 - row / rows_per % shape[axis];
    for (std::size_t lag = 1; lag <= std::min(max_lag, after); ++lag) {
      other.read(block, at + lag * rows_per * length, n, mean_);
      add_pairs(own, other, 0, n, sums_[axis][lag - 1]);
    }
  }
}

double ErrorAutocorrelation::at(std::size_t axis, std::size_t lag) const {
  const Sum& sum = sums_[axis][lag - 1];
  if (sum.pairs == 0 || !(squares_.products > 0)) return std::numeric_limits<double>::quiet_NaN();
  return sum.products / static_cast<double>(sum.pairs) /
         (squares_.products / static_cast<double>(squares_.pairs));
}

std::optional<ErrorAutocorrelation::Largest> ErrorAutocorrelation::largest() const {
  std::optional<Largest> found;
  for (std::size_t axis = 0; axis < rank_; ++axis)
    for (std::size_t lag = 1; lag <= max_lag; ++lag)
      if (const double r = at(axis, lag);
          !std::isnan(r) && (!found || std::abs(r) > std::abs(found->value)))
        found = {axis, lag, r};
  return found;
}

}  // namespace etalon
