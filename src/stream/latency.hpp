// How long things took, as quantiles to 2 % in bounded memory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace etalon {

// From 1 µs to 20 minutes; shorter and longer times count as these. Not thread-safe.
class Latencies {
 public:
  void add(std::chrono::nanoseconds time);
  std::uint64_t count() const { return count_; }
  // The time that a share `q` of [0, 1] did not exceed, in milliseconds; 0 when there is none.
  double quantile_ms(double q) const;

 private:
  static constexpr double step = 1.02;
  std::array<std::uint64_t, 1056> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace etalon
