// Poisson numbers, exact to the 53 bits of a double and a function of their arguments alone.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/random.hpp"

namespace etalon {

// Up to a mean of 64: inversion. The mean is split as m = m_c + d, m_c the class below it (sixteen
// to an octave), since a sum of Poisson numbers is one: the first comes from a table with a guide,
// the second is 0 nearly always and needs no exponential then. Above: transformed rejection PTRS
// (Hoermann, Insurance: Mathematics and Economics 12 (1993) 39-45).
// Immutable after construction: share it between threads.
class PoissonSampler {
 public:
  PoissonSampler();

  // `mean` below 1e9 (0 for negative ones and NaN); the number belongs to (key, index), index <
  // 2^32.
  std::uint32_t sample(double mean, const RandomKey& key, std::uint64_t index) const {
    if (!(mean >= table_begin && mean < table_end)) return sample_outside(mean, key, index);
    const auto words = random_words(key, index);
    const Split split = split_of(mean);
    const Table& table = tables_[split.table];
    const std::uint64_t word = words[0] & ~std::uint64_t{1};  // below the last entry, always
    std::uint32_t k = table.guide[word >> 56];
    while (word >= table.cumulative[k]) ++k;
    const double u = uniform_of(words[1]);
    // exp(-d) >= 1 - d
    return u < 1 - split.rest ? k : k + invert(split.rest, u);
  }

 private:
  static constexpr double table_begin = 0x1p-7, table_end = 0x1p6;
  struct Table {
    std::array<std::uint8_t, 256> guide{};  // first k to look at, by the top eight bits
    std::vector<std::uint64_t> cumulative;  // P(n <= k) * 2^64; the last is the largest word
  };
  struct Split {
    std::size_t table;
    double rest;
  };

  static Split split_of(double mean);
  static std::uint32_t invert(double mean, double u);  // small means
  std::uint32_t sample_outside(double mean, const RandomKey& key, std::uint64_t index) const;

  std::vector<Table> tables_;
};

}  // namespace etalon
