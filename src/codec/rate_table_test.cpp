#include "codec/rate_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "codec/tokens.hpp"

namespace etalon::codec {
namespace {

TEST(RateTable, EveryOneIsATable) {
  for (const unsigned split : {narrow_split, wide_split})
    for (unsigned level = 1; level <= max_rate_level; ++level)
      for (unsigned shape = 0; shape < rate_shapes; ++shape)
        for (const unsigned escape : {0u, 1u, 500u, max_rate_escape}) {
          const Frequencies f =
              frequencies_of({static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(shape),
                              static_cast<std::uint16_t>(escape)},
                             split);
          SCOPED_TRACE(testing::Message()
                       << split << ' ' << level << ' ' << shape << ' ' << escape);
          ASSERT_EQ(std::accumulate(f.begin(), f.end(), 0u), probability_one);
          ASSERT_EQ(f[escape_symbol], escape);
          std::size_t last = 254;
          while (f[last] == 0) --last;
          ASSERT_LT(last, token_count(split));
          for (std::size_t t = 0; t <= last; ++t) {
            ASSERT_GE(f[t], 1u);
            ASSERT_LE(f[t], probability_one);
          }
        }
}

// The mean of numbers drawn by their frequencies is that of the level.
TEST(RateTable, HasItsMean) {
  for (const unsigned level : {57u, 65u, 73u, 89u})
    for (unsigned shape = 6; shape < rate_shapes; ++shape) {
      const Frequencies f = frequencies_of(
          {static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(shape), 0}, wide_split);
      double sum = 0;
      for (std::size_t t = 0; t < 128; ++t) sum += f[t] * static_cast<double>(t) / probability_one;
      const double mean = std::exp2((level - 65.0) / 8);
      EXPECT_NEAR(sum, mean, 0.05 * mean + 0.02) << level << ' ' << shape;
    }
}

TEST(RateTable, FitsWhatItDescribes) {
  std::mt19937_64 random(7);
  for (const double mean : {0.3, 2.0, 20.0})
    for (const double r : {0.5, 4.0, 1e6}) {
      std::gamma_distribution<double> rate(r, mean / r);
      Histogram tokens{};
      for (int i = 0; i < 4000; ++i) {
        std::poisson_distribution<unsigned> photons(rate(random) + 1e-9);
        ++tokens[token_of(photons(random), narrow_split).symbol];
      }
      const auto fit = fit_rate(tokens, narrow_split, true);
      ASSERT_TRUE(fit) << mean << ' ' << r;
      const double least = cost_bits(tokens, normalize(tokens));
      double bits = 0;
      const Frequencies f = frequencies_of(fit->table, narrow_split);
      for (std::size_t t = 0; t < escape_symbol; ++t)
        bits += tokens[t] * (12 - std::log2(std::max<double>(f[t], 0.5)));
      EXPECT_LT(bits, 1.02 * least + 40) << mean << ' ' << r;
    }
}

TEST(RateTable, ReadsWhatItWrote) {
  SideEncoder out;
  RateCoder writer;
  const RateTable tables[] = {{65, 8, 0}, {1, 0, 1}, {129, 15, 1024}, {70, 3, 77}};
  for (const RateTable& t : tables) writer.put(out, t, 60);
  const Bytes bytes = out.finish();
  SideDecoder in(bytes);
  RateCoder reader;
  for (const RateTable& t : tables) {
    const auto read = reader.get(in, 60);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->level, t.level);
    EXPECT_EQ(read->shape, t.shape);
    EXPECT_EQ(read->escape, t.escape);
  }
}

}  // namespace
}  // namespace etalon::codec
