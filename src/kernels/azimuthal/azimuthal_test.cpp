#include "kernels/azimuthal/azimuthal.hpp"

#include <gtest/gtest.h>

#include "etalon/backend.hpp"
#include "kernels/azimuthal/azimuthal_cases.hpp"
#include "kernels/dispatch.hpp"

namespace etalon::azimuthal {
namespace {

std::vector<BandSums> sums_of(const Case& c, const std::string& backend_name, bool variance) {
  EXPECT_TRUE(set_backend(backend_name).ok());
  record_run(-1);
  std::vector<BandSums> out(c.bands.size());
  Scratch scratch;
  for (std::size_t i = 0; i < out.size(); ++i)
    integrate(c.bands[i], c.bins, c.image.view(), c.valid, {c.normalization, c.dark}, variance,
              scratch, out[i]);
  EXPECT_EQ(backend_that_ran(), backend_name) << "this backend is listed and did not run";
  EXPECT_TRUE(set_backend("auto").ok());
  return out;
}

constexpr DType types[] = {DType::u8,  DType::u16, DType::u32, DType::u64, DType::i8,
                           DType::i16, DType::i32, DType::i64, DType::f32, DType::f64};

TEST(Azimuthal, EveryBackendGivesTheReferencesBits) {
  std::uint64_t seed = 0;
  for (const DType type : types)
    for (const std::size_t pixels : {1, 15, 16, 17, 1000})
      for (const bool variance : {false, true}) {
        ++seed;
        const Case c = random_case(seed, pixels, 1 + seed % 50, 1 + seed % 7, type);
        const auto expected = sums_of(c, "scalar", variance);
        for (const std::string& name : backends()) {
          const auto got = sums_of(c, name, variance);
          for (std::size_t i = 0; i < got.size(); ++i) {
            EXPECT_EQ(got[i].signal, expected[i].signal) << name << ", seed " << seed;
            EXPECT_EQ(got[i].variance, expected[i].variance);
            EXPECT_EQ(got[i].any_lost, expected[i].any_lost);
            EXPECT_EQ(got[i].lost_weight, expected[i].lost_weight);
            EXPECT_EQ(got[i].lost_normalization, expected[i].lost_normalization);
            EXPECT_EQ(got[i].lost_dark, expected[i].lost_dark);
          }
        }
      }
}

// Sums of integers are exact in any order: a dense matrix says what they are.
TEST(Azimuthal, IsTheMatrixTimesTheImage) {
  const Case c = random_case(7, 3000, 40, 5, DType::i32);
  std::vector<double> signal(c.bins), variance(c.bins), got(c.bins), got_variance(c.bins);
  std::vector<std::uint64_t> lost(c.bins), got_lost(c.bins);
  for (std::size_t i = 0; i < c.weights.size(); ++i) {
    const double v = c.image.as<std::int32_t>()[i];
    for (std::size_t k = 0; k < c.weights[i].size(); ++k) {
      const std::size_t b = c.first_bin[i] + k;
      const double w = c.weights[i][k];
      if (v < 0 || v > 60000) {
        lost[b] += c.weights[i][k];
        continue;
      }
      signal[b] += w * v;
      variance[b] += w * w * std::max(1.0, v);
    }
  }
  for (const BandSums& sums : sums_of(c, backend(), true))
    for (std::size_t b = 0; b < c.bins; ++b) {
      got[b] += sums.signal[b];
      got_variance[b] += sums.variance[b];
      if (sums.any_lost) got_lost[b] += sums.lost_weight[b];
    }
  EXPECT_EQ(got, signal);
  EXPECT_EQ(got_variance, variance);
  EXPECT_EQ(got_lost, lost);
}

}  // namespace
}  // namespace etalon::azimuthal
