#include "analyse/error_statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

namespace etalon {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <typename T, typename U>
PairRows pair_of(const std::vector<T>& a, const std::vector<U>& b, const Shape& shape) {
  return {view_of(std::span<const T>(a), shape), view_of(std::span<const U>(b), shape)};
}

TEST(PairRows, DifferencesOfIntegersAreExact) {
  const std::uint64_t far = std::uint64_t{1} << 63;
  double e[2];
  const std::vector<std::uint64_t> a{far, far + 1}, b{far + 1, far - 2};
  pair_of(a, b, {2}).errors(0, 1, 2, e);
  EXPECT_EQ(e[0], 1);
  EXPECT_EQ(e[1], -3);
  const std::vector<std::uint16_t> counts{0, 65535};
  const std::vector<std::int32_t> dithered{-2, 65538};
  pair_of(counts, dithered, {2}).errors(0, 1, 2, e);
  EXPECT_EQ(e[0], -2);
  EXPECT_EQ(e[1], 3);
}

TEST(ErrorAutocorrelation, OfAlternatingErrors) {
  // Along the rows errors are +1 and -1 in turn, down the columns the same twice, then opposite.
  const std::vector<double> a(16), b{1, -1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1, -1, 1, -1, 1};
  ErrorAutocorrelation r(0);
  r.add(pair_of(a, b, {4, 4}));
  EXPECT_EQ(r.at(1, 1), -1);
  EXPECT_EQ(r.at(1, 2), 1);
  EXPECT_EQ(r.at(1, 3), -1);
  EXPECT_DOUBLE_EQ(r.at(0, 1), 1.0 / 3);
  EXPECT_EQ(r.at(0, 2), -1);
  EXPECT_TRUE(std::isnan(r.at(0, 4)));
  ASSERT_TRUE(r.largest());
  EXPECT_EQ(std::abs(r.largest()->value), 1);
}

TEST(ErrorAutocorrelation, LeavesOutWhatIsNotFinite) {
  const std::vector<double> a{0, 0, nan, 0, 0}, b{1, 1, 5, -1, -1};
  ErrorAutocorrelation r(0);
  r.add(pair_of(a, b, {5}));
  EXPECT_EQ(r.at(0, 1), 1);   // (1, 1) and (-1, -1)
  EXPECT_EQ(r.at(0, 2), -1);  // (1, -1): the second and the fourth
  EXPECT_EQ(r.at(0, 3), -1);
  const std::vector<double> same{1, 2};
  ErrorAutocorrelation none(0);
  none.add(pair_of(same, same, {2}));
  EXPECT_FALSE(none.largest());
}

TEST(StructuralSimilarity, OfAShiftedWindow) {
  std::vector<float> a(49), b(49);
  std::iota(a.begin(), a.end(), 0.0F);
  for (std::size_t i = 0; i < a.size(); ++i) b[i] = a[i] + 2;
  StructuralSimilarity s(0, 48);
  s.add(pair_of(a, b, {7, 7}));
  // Spread and pattern are the same; means are 24 and 26.
  const double c1 = 0.48 * 0.48;
  EXPECT_NEAR(s.mean(), (2 * 24 * 26 + c1) / (24 * 24 + 26 * 26 + c1), 1e-14);
  EXPECT_EQ(s.windows(), 1);
}

TEST(StructuralSimilarity, CountsWindows) {
  std::vector<double> a(3 * 9 * 10);
  std::iota(a.begin(), a.end(), 0.0);
  std::vector<double> b = a;
  b[0] = nan;
  StructuralSimilarity s(0, 269);
  s.add(pair_of(a, b, {3, 9, 10}));
  EXPECT_EQ(s.windows() + s.left_out(), 3 * 3 * 4);
  EXPECT_EQ(s.left_out(), 1);
  EXPECT_NEAR(s.mean(), 1, 1e-14);
  StructuralSimilarity flat(2, 2);
  flat.add(pair_of(a, a, {270}));
  EXPECT_TRUE(std::isnan(flat.mean()));
}

TEST(ErrorSpectrum, OfAWaveBesideAPeak) {
  constexpr std::size_t n = 32, k = 13;
  const double amplitude = 0.75;
  std::vector<double> a(n), b(n);
  a[n / 2] = 1;  // a flat spectrum
  for (std::size_t j = 0; j < n; ++j)
    b[j] = a[j] + amplitude * std::cos(2 * std::numbers::pi * static_cast<double>(k * j) / n);
  ErrorSpectrum s;
  s.add(pair_of(a, b, {n}));
  const AxisSpectrum& axis = s.axes().at(0);
  EXPECT_EQ(axis.segment, n);
  EXPECT_EQ(axis.segments, 1);
  // Hann's window spreads a wave over three k: amplitude n / 4 in the middle, half of it beside.
  const double middle = amplitude * n / 4 * (amplitude * n / 4);
  EXPECT_NEAR(axis.error[k], middle, 1e-12 * middle);
  EXPECT_NEAR(axis.error[k - 1], middle / 4, 1e-12 * middle);
  EXPECT_NEAR(axis.error[k - 2], 0, 1e-12 * middle);
  EXPECT_NEAR(axis.signal[5], 1, 1e-12);
  // Half octaves: 1; 2; 3; 4, 5; 6, 7; 8 to 11; 12 to 16.
  const auto shells = axis.shells();
  ASSERT_EQ(shells.size(), 7);
  EXPECT_EQ(shells[6].low, 12.0 / n);
  EXPECT_EQ(shells[6].high, 16.0 / n);
  EXPECT_NEAR(shells[6].error, middle * 1.5 / 5 / (0.375 * n), 1e-12);
  ASSERT_TRUE(axis.reaches_signal_at());
  EXPECT_EQ(*axis.reaches_signal_at(), 12.0 / n);
}

TEST(ErrorSpectrum, CoversLinesWithSegments) {
  std::vector<double> a(3 * 100, 1.0), b = a;
  b[99] = nan;  // at the end of the first line
  ErrorSpectrum s;
  s.add(pair_of(a, b, {3, 100}));
  EXPECT_EQ(s.axes()[0].segment, 0);
  EXPECT_TRUE(s.axes()[0].shells().empty());
  EXPECT_EQ(s.axes()[1].segment, 64);
  EXPECT_EQ(s.axes()[1].left_out, 1);
  EXPECT_EQ(s.axes()[1].segments, 3 * 3 - 1);  // from 0, 18 and 36
  EXPECT_FALSE(s.axes()[1].reaches_signal_at());
}

TEST(SampleBoxes, AreTheWholeOrEightAlongTheDiagonal) {
  const auto whole = sample_boxes({10, 20}, 200);
  ASSERT_EQ(whole.size(), 1);
  EXPECT_EQ(whole[0].axes[1].end, 20);
  const auto some = sample_boxes({10, 200}, 800);
  ASSERT_EQ(some.size(), 8);
  for (const Box& box : some) {
    EXPECT_EQ(box.axes[0].end - box.axes[0].begin, 10);
    EXPECT_EQ(box.axes[1].end - box.axes[1].begin, 7);
  }
  EXPECT_EQ(some[0].axes[1].begin, 0);
  EXPECT_EQ(some[7].axes[1].end, 200);
  EXPECT_EQ(sample_boxes({3, 3}, 1)[0].axes[0].end, 1);
  EXPECT_EQ(sample_boxes({}, 1).size(), 1);
}

}  // namespace
}  // namespace etalon
