#include "base/binomial.hpp"

#include <gtest/gtest.h>

namespace etalon {
namespace {

// By another implementation (Cephes, as in SciPy 1.10).
TEST(Binomial, IncompleteBetaAsElsewhere) {
  EXPECT_NEAR(regularized_beta(0.3, 2, 5), 0.57982500000000015, 1e-14);
  EXPECT_NEAR(regularized_beta(0.01, 1, 300), 0.95095910592872401, 1e-13);
  EXPECT_NEAR(regularized_beta(0.999, 3, 0.5), 0.94074681048405373, 1e-13);
  EXPECT_NEAR(regularized_beta(0.5, 1000, 1000), 0.5, 1e-11);
  EXPECT_NEAR(regularized_beta(0.02, 20.5, 1e6), 1, 1e-14);
  EXPECT_EQ(regularized_beta(0, 3, 4), 0);
  EXPECT_EQ(regularized_beta(1, 3, 4), 1);
}

TEST(Binomial, IntervalsAsElsewhere) {
  const struct {
    std::uint64_t k, n;
    double low, high;
  } cases[] = {{0, 10, 0, 0.308497107818761},
               {1, 10, 0.00252857854446178, 0.445016117028195},
               {5, 100, 0.0164318791820522, 0.112834911105463},
               {100, 100, 0.963783307354824, 1},
               {3, 20000, 3.09346744452853e-05, 0.000438300453393637},
               {0, 736, 0, 0.00499952503877987}};
  for (const auto& c : cases) {
    const Interval i = clopper_pearson(c.k, c.n);
    EXPECT_NEAR(i.low, c.low, 1e-9 * c.low) << c.k << " of " << c.n;
    EXPECT_NEAR(i.high, c.high, 1e-9 * c.high) << c.k << " of " << c.n;
  }
  EXPECT_EQ(clopper_pearson(0, 0).low, 0);
  EXPECT_EQ(clopper_pearson(0, 0).high, 1);
}

// Summed over all outcomes of 60 trials, whatever the proportion is.
TEST(Binomial, CoversAtLeastAsOftenAsItSays) {
  constexpr std::uint64_t n = 60;
  for (double p = 0.005; p < 1; p += 0.013) {
    double covered = 0;
    for (std::uint64_t k = 0; k <= n; ++k) {
      const Interval i = clopper_pearson(k, n);
      const double up_to = k == n ? 1 : 1 - regularized_beta(p, double(k) + 1, double(n - k));
      const double below = k == 0 ? 0 : 1 - regularized_beta(p, double(k), double(n - k) + 1);
      if (i.low <= p && p <= i.high) covered += up_to - below;
    }
    EXPECT_GE(covered, 0.95 - 1e-9) << p;
  }
}

TEST(Binomial, TrialsThatALimitNeeds) {
  EXPECT_EQ(trials_needed(0.005, 0), 736U);  // log(0.025) / log(1 - limit)
  EXPECT_EQ(trials_needed(0.01, 0), 368U);
  EXPECT_EQ(trials_needed(0.05, 0), 72U);
  EXPECT_FALSE(trials_needed(0.01, 0.01).has_value());
  const std::uint64_t n = trials_needed(0.02, 0.01).value();
  EXPECT_LE(clopper_pearson(n / 100 + 1, n).high, 0.02);
  EXPECT_GT(n, trials_needed(0.02, 0).value());
}

}  // namespace
}  // namespace etalon
