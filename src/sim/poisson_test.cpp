#include "sim/poisson.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/exact_math.hpp"

namespace etalon {
namespace {

TEST(Philox, KnownAnswers) {  // Random123's kat_vectors for philox4x32-10
  const std::array<std::uint32_t, 4> zero{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), zero);
  const std::array<std::uint32_t, 4> ones{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  EXPECT_EQ(philox4x32({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}), ones);
  const std::array<std::uint32_t, 4> digits{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            digits);
}

TEST(RandomStream, PurposesFramesSeedsAndLanesDiffer) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed : {0, 1})
    for (std::uint64_t frame : {0, 1})
      for (Purpose purpose : {Purpose::shot, Purpose::pixel})
        for (std::uint64_t lane : {0, 1})
          first.insert(RandomStream({seed, frame, purpose}, lane).word());
  EXPECT_EQ(first.size(), 16U);
}

TEST(RandomStream, NormalAndExponentialMoments) {
  RandomStream random({5, 0, Purpose::shot});
  const int n = 200000;
  double sum = 0, square = 0, fourth = 0, waits = 0;
  for (int i = 0; i < n; ++i) {
    const double z = random.normal();
    sum += z;
    square += z * z;
    fourth += z * z * z * z;
    waits += random.exponential();
  }
  EXPECT_NEAR(sum / n, 0, 0.012);
  EXPECT_NEAR(square / n, 1, 0.017);
  EXPECT_NEAR(fourth / n, 3, 0.12);
  EXPECT_NEAR(waits / n, 1, 0.012);
}

TEST(ExactMath, AgreesWithTheLibraryToTheLastBits) {
  RandomStream random({6, 0, Purpose::shot});
  for (int i = 0; i < 100000; ++i) {
    const double x = (random.uniform() - 0.5) * 1300;
    EXPECT_NEAR(exact::exp(x) / std::exp(x), 1, 5e-16) << x;
    const double y = std::exp(x);
    EXPECT_NEAR(exact::log(y), std::log(y), 5e-16 * (1 + std::fabs(x))) << y;
    const double t = (random.uniform() - 0.5) * 4;
    const auto [sine, cosine] = exact::sincos_turns(t);
    EXPECT_NEAR(sine, std::sin(2 * exact::pi * t), 2e-15) << t;
    EXPECT_NEAR(cosine, std::cos(2 * exact::pi * t), 2e-15) << t;
  }
  EXPECT_EQ(exact::exp(-1000), 0);
  EXPECT_EQ(exact::exp(0), 1);
  EXPECT_EQ(exact::log(1), 0);
  EXPECT_EQ(exact::sincos_turns(0.25), std::make_pair(1.0, 0.0));
  for (std::uint64_t k : {0, 1, 5, 255, 256, 1000, 1000000})
    EXPECT_NEAR(exact::log_factorial(k), std::lgamma(static_cast<double>(k) + 1),
                1e-14 * (1 + std::lgamma(static_cast<double>(k) + 1)));
}

// Chi-square against the probabilities themselves, cells with at least 20 expected.
void expect_poisson(double mean) {
  const PoissonSampler sampler;
  const int n = 200000;
  std::vector<int> seen;
  double sum = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    const std::uint32_t k =
        sampler.sample(mean, {11, 3, Purpose::pixel}, static_cast<std::uint64_t>(i));
    if (k >= seen.size()) seen.resize(k + 1);
    ++seen[k];
    sum += k;
    square += static_cast<double>(k) * k;
  }
  const double sample_mean = sum / n;
  const double variance = square / n - sample_mean * sample_mean;
  EXPECT_NEAR(sample_mean, mean, 4.5 * std::sqrt(mean / n)) << mean;
  EXPECT_NEAR(variance / mean, 1, 4.5 * std::sqrt((2 + 1 / mean) / n)) << mean;

  double chi2 = 0, rest_expected = n, rest_seen = n;
  int cells = 0;
  for (std::size_t k = 0; k < seen.size(); ++k) {
    const auto value = static_cast<double>(k);
    const double p = std::exp(value * std::log(mean) - mean - std::lgamma(value + 1));
    if (p * n < 20) continue;
    chi2 += (seen[k] - p * n) * (seen[k] - p * n) / (p * n);
    rest_expected -= p * n;
    rest_seen -= seen[k];
    ++cells;
  }
  if (rest_expected > 5) {
    chi2 += (rest_seen - rest_expected) * (rest_seen - rest_expected) / rest_expected;
    ++cells;
  }
  // Normal beyond 4.5 standard deviations of chi-square.
  EXPECT_LT(chi2, cells + 4.5 * std::sqrt(2.0 * cells) + 5) << mean;
}

TEST(Poisson, FollowsItsDistributionAtEveryMean) {
  for (double mean :
       {0.001, 0.0079, 0.02, 0.3, 1.0, 1.03, 2.5, 7.77, 31.9, 63.99, 64.0, 100.5, 1000.0, 54321.0})
    expect_poisson(mean);
}

TEST(Poisson, SenselessMeansGiveNothing) {
  const PoissonSampler sampler;
  const RandomKey key{1, 2, Purpose::pixel};
  EXPECT_EQ(sampler.sample(0, key, 0), 0U);
  EXPECT_EQ(sampler.sample(-5, key, 0), 0U);
  EXPECT_EQ(sampler.sample(std::numeric_limits<double>::quiet_NaN(), key, 0), 0U);
  EXPECT_EQ(sampler.sample(5e-324, key, 0), 0U);
  EXPECT_GT(sampler.sample(std::numeric_limits<double>::infinity(), key, 0), 999000000U);
}

}  // namespace
}  // namespace etalon
