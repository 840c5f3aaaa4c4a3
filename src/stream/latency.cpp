#include "stream/latency.hpp"

#include <algorithm>
#include <cmath>

namespace etalon {

void Latencies::add(std::chrono::nanoseconds time) {
  const double us = std::max(1.0, static_cast<double>(time.count()) * 1e-3);
  const auto bucket = static_cast<std::size_t>(std::log(us) / std::log(step));
  ++buckets_[std::min(bucket, buckets_.size() - 1)];
  ++count_;
}

double Latencies::quantile_ms(double q) const {
  if (count_ == 0) return 0;
  const double wanted = std::max(1.0, std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < buckets_.size(); ++bucket)
    if (seen += buckets_[bucket]; static_cast<double>(seen) >= wanted) break;
  return std::pow(step, static_cast<double>(bucket) + 0.5) * 1e-3;  // the bucket's middle
}

}  // namespace etalon
