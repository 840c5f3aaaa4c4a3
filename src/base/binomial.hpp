// What a count out of a sample says of the whole: exact intervals for a proportion.
#pragma once

#include <cstdint>
#include <optional>

namespace etalon {

// I_x(a, b) for a, b > 0 and x in [0, 1]: the regularized incomplete beta function; relative
// error below 1e-9 for a + b up to 1e6 (continued fraction: Abramowitz & Stegun 26.5.8).
double regularized_beta(double x, double a, double b);

struct Interval {
  double low = 0, high = 1;
};

// Clopper & Pearson, Biometrika 26 (1934) 404-413: of n trials k succeeded; whatever the true
// proportion is, the interval covers it with at least `confidence` (two-sided). k <= n; for n 0,
// [0, 1]. Of a sample drawn without replacement from a finite number it covers more often still.
Interval clopper_pearson(std::uint64_t k, std::uint64_t n, double confidence = 0.95);

// The least n whose interval ends at or below `limit` when a share `rate` of the trials succeeds
// (rounded up); none where that takes more than 2^40 or rate >= limit. 0 < limit < 1.
std::optional<std::uint64_t> trials_needed(double limit, double rate, double confidence = 0.95);

}  // namespace etalon
