#include "kernels/dot/dot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "etalon/backend.hpp"
#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

using Values = std::vector<std::int16_t>;

std::int64_t by_hand(const Values& a, const Values& b) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::int64_t{a[i]} * b[i];
  return sum;
}

std::uint32_t largest(const Values& v) {
  std::uint32_t most = 0;
  for (const std::int32_t x : v) most = std::max(most, static_cast<std::uint32_t>(std::abs(x)));
  return most;
}

TEST(Dot, EveryBackendIsExact) {
  std::mt19937 random(1);
  for (const std::string& name : backends()) {
    ASSERT_TRUE(set_backend(name).ok());
    for (const std::size_t n : {0, 1, 7, 16, 31, 32, 33, 100, 5000, 100001})
      for (const int most : {0, 1, 255, 4000, 32767}) {
        std::uniform_int_distribution<int> pick(-most, most);
        Values a(n), b(n);
        std::generate(a.begin(), a.end(), [&] { return static_cast<std::int16_t>(pick(random)); });
        std::generate(b.begin(), b.end(), [&] { return static_cast<std::int16_t>(pick(random)); });
        const std::int64_t expected = by_hand(a, b);
        EXPECT_EQ(dot(a, b, largest(a), largest(b)), expected) << name << " " << n << " " << most;
        EXPECT_EQ(dot(a, b), expected) << name;
      }
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

TEST(Dot, NothingOverflows) {
  for (const std::string& name : backends()) {
    ASSERT_TRUE(set_backend(name).ok());
    for (const int value : {32767, -32768, 1448, 1023}) {
      const Values a(70000, static_cast<std::int16_t>(value));
      const auto size = static_cast<std::uint32_t>(std::abs(value));
      EXPECT_EQ(dot(a, a, size, size), std::int64_t{70000} * value * value) << name;
      EXPECT_EQ(dot(a, a), std::int64_t{70000} * value * value) << name;
    }
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

TEST(Dot, VectorsRan) {
  for (const std::string& name : backends()) {
    ASSERT_TRUE(set_backend(name).ok());
    const Values a(64, 3);
    EXPECT_EQ(dot(a, a, 3, 3), 64 * 9);
    EXPECT_EQ(backend_that_ran(), name);
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

}  // namespace
}  // namespace etalon
