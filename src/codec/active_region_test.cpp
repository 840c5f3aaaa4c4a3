#include "codec/active_region.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "etalon/regions.hpp"

namespace etalon {
namespace {

std::size_t area(const std::vector<std::uint8_t>& inside) {
  return std::accumulate(inside.begin(), inside.end(), std::size_t{0});
}

template <typename T>
Region active(const std::string& keys, const std::vector<T>& values, const Shape& shape,
              std::span<const std::uint8_t> good = {}) {
  const auto spec = parse_region("active:" + keys + "@lossless");
  EXPECT_TRUE(spec.ok()) << spec.error().message;
  auto region = active_region(*spec, view_of<T>(values, shape), good);
  EXPECT_TRUE(region.ok()) << region.error().message;
  return *region;
}

// The definition, window by window, in long double.
std::vector<double> slow_activity(const std::vector<double>& v, std::size_t ny, std::size_t nx,
                                  std::ptrdiff_t half) {
  const auto inside = [&](std::ptrdiff_t y, std::ptrdiff_t x) {
    return y >= 0 && x >= 0 && y < static_cast<std::ptrdiff_t>(ny) &&
           x < static_cast<std::ptrdiff_t>(nx) &&
           std::isfinite(v[static_cast<std::size_t>(y) * nx + static_cast<std::size_t>(x)]);
  };
  const auto at = [&](std::ptrdiff_t y, std::ptrdiff_t x) {
    return static_cast<long double>(
        v[static_cast<std::size_t>(y) * nx + static_cast<std::size_t>(x)]);
  };
  std::vector<double> out;
  for (std::ptrdiff_t y = 0; y < static_cast<std::ptrdiff_t>(ny); ++y)
    for (std::ptrdiff_t x = 0; x < static_cast<std::ptrdiff_t>(nx); ++x) {
      if (!inside(y, x)) {
        out.push_back(-1);
        continue;
      }
      long double n = 0, sum = 0, sum2 = 0;
      for (int pass = 0; pass < 2; ++pass)
        for (std::ptrdiff_t j = y - half; j <= y + half; ++j)
          for (std::ptrdiff_t i = x - half; i <= x + half; ++i) {
            if (!inside(j, i)) continue;
            if (pass == 0)
              ++n, sum += at(j, i);
            else
              sum2 += (at(j, i) - sum / n) * (at(j, i) - sum / n);
          }
      const auto slope = [&](std::ptrdiff_t dy, std::ptrdiff_t dx) -> long double {
        const bool before = inside(y - dy, x - dx), after = inside(y + dy, x + dx);
        if (before && after) return (at(y + dy, x + dx) - at(y - dy, x - dx)) / 2;
        if (after) return at(y + dy, x + dx) - at(y, x);
        return before ? at(y, x) - at(y - dy, x - dx) : 0;
      };
      out.push_back(
          static_cast<double>(std::sqrt(sum2 / n) + std::hypot(slope(1, 0), slope(0, 1))));
    }
  return out;
}

TEST(ActiveRegion, ActivityIsItsDefinition) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal(1e6, 2);
  for (const auto& [ny, nx, window] :
       {std::array{9, 14, 5}, {1, 20, 5}, {20, 1, 3}, {4, 3, 7}, {1, 1, 5}, {30, 31, 15}}) {
    std::vector<double> v(static_cast<std::size_t>(ny) * static_cast<std::size_t>(nx));
    for (double& x : v) x = random() % 9 == 0 ? NAN : normal(random);
    const Shape shape{static_cast<std::size_t>(ny), static_cast<std::size_t>(nx)};
    const auto fast =
        codec::activity_of(view_of<double>(v, shape), {}, static_cast<std::size_t>(window));
    const auto slow = slow_activity(v, shape[0], shape[1], window / 2);
    for (std::size_t i = 0; i < v.size(); ++i)
      ASSERT_NEAR(fast[i], slow[i], 1e-7) << ny << "x" << nx << " at " << i;
  }
}

// A quiet left side, a boundary, a noisy patch: the members are known.
TEST(ActiveRegion, FindsABoundary) {
  constexpr std::size_t ny = 40, nx = 60;
  std::vector<float> step(ny * nx);
  for (std::size_t i = 0; i < step.size(); ++i) step[i] = i % nx < 30 ? 1.0F : 5.0F;
  // Windows that see both sides: x = 28 .. 31, the gradient on top of it at 29 and 30.
  const Region all = active("quantile=0", step, {ny, nx});
  for (std::size_t i = 0; i < step.size(); ++i)
    ASSERT_EQ(all.where[i], i % nx >= 28 && i % nx < 32) << i;
  EXPECT_EQ(all.kind, "active");
  EXPECT_TRUE(all.bound == Bound::lossless());
  const Region steepest = active("quantile=0.97", step, {ny, nx});
  for (std::size_t i = 0; i < step.size(); ++i)
    ASSERT_EQ(steepest.where[i], i % nx == 29 || i % nx == 30) << i;
  const Region wide = active("quantile=0,window=9,grow=3", step, {ny, nx});
  for (std::size_t i = 0; i < step.size(); ++i)
    ASSERT_EQ(wide.where[i], i % nx >= 23 && i % nx < 37) << i;
}

TEST(ActiveRegion, GrowsInBothAxes) {
  std::vector<std::uint16_t> dot(20 * 30);
  dot[10 * 30 + 2] = 100;
  const Region one = active("quantile=1", dot, {20, 30});
  const Region grown = active("quantile=1,grow=4", dot, {20, 30});
  std::size_t members = 0;
  for (std::size_t y = 0; y < 20; ++y)
    for (std::size_t x = 0; x < 30; ++x) {
      bool near = false;
      for (std::size_t j = 0; j < 20; ++j)
        for (std::size_t i = 0; i < 30; ++i)
          near |=
              one.where[j * 30 + i] != 0 && j + 4 >= y && j <= y + 4 && i + 4 >= x && i <= x + 4;
      ASSERT_EQ(grown.where[y * 30 + x], near) << y << " " << x;
      members += near;
    }
  EXPECT_GT(members, area(one.where));
}

TEST(ActiveRegion, TakesTheShareAsked) {
  std::mt19937_64 random(1);
  std::vector<double> noise(100 * 130);
  for (double& v : noise) v = std::normal_distribution<double>()(random);
  for (const double quantile : {0.0, 0.5, 0.9, 0.999}) {
    const Region r = active("quantile=" + std::to_string(quantile), noise, {100, 130});
    EXPECT_NEAR(static_cast<double>(area(r.where)), (1 - quantile) * 13000, 1) << quantile;
  }
  EXPECT_EQ(area(active("quantile=1", noise, {100, 130}).where), 1u);
}

TEST(ActiveRegion, EveryImageHasItsOwnOrAllOne) {
  std::vector<std::int16_t> planes(2 * 30 * 30);
  planes[5 * 30 + 5] = 9;
  planes[900 + 20 * 30 + 20] = 9;
  const Region both = active("quantile=1", planes, {2, 30, 30});
  const std::vector<std::int16_t> first(planes.begin(), planes.begin() + 900),
      second(planes.begin() + 900, planes.end());
  const Region a = active("quantile=1", first, {30, 30}),
               b = active("quantile=1", second, {30, 30});
  EXPECT_GT(area(a.where), 0u);
  ASSERT_EQ(both.where.size(), 1800u);
  EXPECT_TRUE(std::equal(a.where.begin(), a.where.end(), both.where.begin()));
  EXPECT_TRUE(std::equal(b.where.begin(), b.where.end(), both.where.begin() + 900));
  // The second image has the largest activity of all, twice that of the first.
  planes[900 + 20 * 30 + 20] = 18;
  const Region one = active("quantile=1,over=array", planes, {2, 30, 30});
  EXPECT_EQ(area(one.where), area(b.where));
  EXPECT_TRUE(std::equal(b.where.begin(), b.where.end(), one.where.begin() + 900));
  const Region most = active("quantile=0.5,over=array,grow=2", planes, {2, 30, 30});
  const Region image = active("quantile=0.5,grow=2", planes, {2, 30, 30});
  EXPECT_EQ(most.where, image.where);  // wherever anything happens
}

TEST(ActiveRegion, NothingHappens) {
  for (const double level : {0.0, 0.1, 1e300, -1e-300}) {
    const std::vector<double> flat(13 * 17, level);
    EXPECT_EQ(area(active("quantile=0", flat, {13, 17}).where), 0u) << level;
  }
  EXPECT_EQ(area(active("quantile=0", std::vector<float>(64, NAN), {8, 8}).where), 0u);
  EXPECT_EQ(area(active("quantile=0.5", std::vector<float>{3}, {1, 1}).where), 0u);
  EXPECT_EQ(area(active("quantile=0.5", std::vector<float>{3}, Shape{}).where), 0u);
  EXPECT_EQ(active("quantile=0.5", std::vector<float>{}, {0, 5}).where.size(), 0u);
  EXPECT_EQ(area(active("quantile=0.5", std::vector<std::uint8_t>{1, 9, 1}, {3}).where), 2u);
}

TEST(ActiveRegion, HugeValuesDoNotOverflow) {
  std::vector<double> huge(12 * 12, -std::numeric_limits<double>::max());
  for (std::size_t i = 0; i < huge.size(); ++i)
    if (i % 12 >= 6) huge[i] = std::numeric_limits<double>::max();
  huge[0] = std::numeric_limits<double>::infinity();
  const auto activity = codec::activity_of(view_of<double>(huge, {12, 12}), {}, 5);
  for (double a : activity) ASSERT_TRUE(std::isfinite(a));
  const Region edge = active("quantile=0", huge, {12, 12});
  for (std::size_t i = 0; i < huge.size(); ++i)
    ASSERT_EQ(edge.where[i], i % 12 >= 4 && i % 12 < 8) << i;
}

TEST(ActiveRegion, MaskedElementsCountNowhere) {
  std::vector<std::uint16_t> gap(30 * 30, 4);
  std::vector<std::uint8_t> good(gap.size(), 1);
  for (std::size_t i = 10 * 30; i < 13 * 30; ++i) gap[i] = 65535, good[i] = 0;
  gap[20 * 30 + 20] = 6;
  const Region blind = active("quantile=0.9", gap, {30, 30});
  EXPECT_EQ(blind.where[20 * 30 + 20], 0);
  const Region seeing = active("quantile=0.9", gap, {30, 30}, good);
  EXPECT_EQ(seeing.where[20 * 30 + 20], 1);
  EXPECT_EQ(area(seeing.where), 25u);
}

TEST(ActiveRegion, RefusesWhatMakesNoSense) {
  for (const char* text :
       {"active@lossless", "active:quantile=1.1@lossless", "active:quantile=-0.1@lossless",
        "active:quantile=x@lossless", "active:quantile=nan@lossless",
        "active:quantile=0.9,window=4@abs:1", "active:quantile=0.9,window=1@abs:1",
        "active:quantile=0.9,window=65@abs:1", "active:quantile=0.9,grow=1001@abs:1",
        "active:quantile=0.9,grow=-1@abs:1", "active:quantile=0.9,half=1@abs:1"})
    EXPECT_EQ(parse_region(text).error().code, Errc::usage) << text;
  const std::vector<std::uint8_t> values(12), good(11);
  const auto spec = parse_region("active:quantile=0.9@lossless");
  EXPECT_FALSE(active_region(*spec, view_of<std::uint8_t>(values, {3, 4}), good).ok());
}

}  // namespace
}  // namespace etalon
