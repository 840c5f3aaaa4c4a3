#include "sim/poisson.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "base/exact_math.hpp"

namespace etalon {
namespace {

constexpr std::uint64_t word_max = std::numeric_limits<std::uint64_t>::max();

std::uint32_t transformed_rejection(double mean, RandomStream& random) {
  const double b = 0.931 + 2.53 * std::sqrt(mean);
  const double a = -0.059 + 0.02483 * b;
  const double log_inverse_alpha = exact::log(1.1239 + 1.1328 / (b - 3.4));
  const double v_r = 0.9277 - 3.6224 / (b - 2);
  const double log_mean = exact::log(mean);
  while (true) {
    const double u = random.uniform() - 0.5;
    const double v = random.uniform();
    const double us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (k < 0 || k > 4e9) continue;
    if (us >= 0.07 && v <= v_r) return static_cast<std::uint32_t>(k);
    if (us < 0.013 && v > us) continue;
    if (exact::log(v) + log_inverse_alpha - exact::log(a / (us * us) + b) <=
        -mean + k * log_mean - exact::log_factorial(static_cast<std::uint64_t>(k)))
      return static_cast<std::uint32_t>(k);
  }
}

}  // namespace

PoissonSampler::PoissonSampler() {
  for (double octave = table_begin; octave < table_end; octave *= 2)
    for (int step = 0; step < 16; ++step) {
      const double mean = octave * (1 + step / 16.0);
      Table table;
      double p = exact::exp(-mean), sum = p;
      for (std::uint32_t k = 1; k < mean || p > 1e-22; ++k) {
        table.cumulative.push_back(sum < 1 ? static_cast<std::uint64_t>(sum * 0x1p64) : word_max);
        p *= mean / k;
        sum += p;
      }
      table.cumulative.push_back(word_max);
      std::uint32_t k = 0;
      for (std::size_t top = 0; top < table.guide.size(); ++top) {
        while (static_cast<std::uint64_t>(top) << 56 >= table.cumulative[k]) ++k;
        table.guide[top] = static_cast<std::uint8_t>(k);
      }
      tables_.push_back(std::move(table));
    }
}

PoissonSampler::Split PoissonSampler::split_of(double mean) {
  // Exponent and the top four bits of the mantissa, counted from table_begin's.
  constexpr std::uint64_t first = std::bit_cast<std::uint64_t>(table_begin) >> 48;
  const std::uint64_t top = std::bit_cast<std::uint64_t>(mean) >> 48;
  return {static_cast<std::size_t>(top - first), mean - std::bit_cast<double>(top << 48)};
}

std::uint32_t PoissonSampler::invert(double mean, double u) {
  double p = exact::exp(-mean), sum = p;
  std::uint32_t k = 0;
  while (u >= sum && p > 1e-22) {
    ++k;
    p *= mean / k;
    sum += p;
  }
  return k;
}

std::uint32_t PoissonSampler::sample_outside(double mean, const RandomKey& key,
                                             std::uint64_t index) const {
  if (!(mean > 0)) return 0;
  if (mean < table_begin) {
    const double u = uniform_of(random_words(key, index)[1]);
    return u < 1 - mean ? 0 : invert(mean, u);
  }
  RandomStream random({key.seed, key.frame, Purpose::pixel_tail}, index);
  return transformed_rejection(mean < 1e9 ? mean : 1e9, random);
}

}  // namespace etalon
