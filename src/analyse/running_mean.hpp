// Mean and scatter of numbers that come one by one (Welford, Technometrics 4 (1962) 419).
#pragma once

#include <cmath>
#include <cstdint>

namespace etalon {

// Two-sided, of the normal distribution: this many standard errors hold 99 %.
inline constexpr double sigmas_of_99_percent = 2.5758293035489004;

class RunningMean {
 public:
  void add(double value) {
    ++n_;
    const double off = value - mean_;
    mean_ += off / static_cast<double>(n_);
    squares_ += off * (value - mean_);
  }
  std::uint64_t n() const { return n_; }
  double mean() const { return mean_; }  // 0 of none
  // Of one number, over n - 1; 0 for fewer than two.
  double sigma() const { return n_ < 2 ? 0 : std::sqrt(squares_ / static_cast<double>(n_ - 1)); }
  double error() const {  // standard deviation of the mean
    return n_ < 2 ? 0 : sigma() / std::sqrt(static_cast<double>(n_));
  }

 private:
  std::uint64_t n_ = 0;
  double mean_ = 0, squares_ = 0;
};

}  // namespace etalon
