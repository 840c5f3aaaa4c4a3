#include "kernels/interpolate/interpolate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "etalon/backend.hpp"
#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

struct Reading {
  std::size_t count;
  double start, step;
};

// Of lines of n samples: all steps there are, from end to end and in between.
std::vector<Reading> readings(std::size_t n, std::mt19937& random) {
  const auto last = static_cast<double>(n - 1);
  std::vector<Reading> all = {
      {n, 0, 1}, {n, last, -1}, {n, last / 2, 0}, {1, last, 0.5}, {0, 0, 1}};
  for (const double near : {1 - 1e-9, 1 - 1e-7, 0x1.fffffffffffffp-1, 1e-9, 0.5, 1.0 / 3})
    for (const double sign : {1.0, -1.0}) {
      const double start = sign > 0 ? 0 : last;
      all.push_back(
          {static_cast<std::size_t>(std::min(4 * last, last / near)) + 1, start, sign * near});
    }
  std::uniform_real_distribution<double> unit(0, 1);
  for (int i = 0; i < 200; ++i) {
    const double a = last * unit(random), b = last * unit(random);
    const auto count = static_cast<std::size_t>(std::abs(b - a) * (1 + 2 * unit(random))) + 2;
    all.push_back({count, a, (b - a) / static_cast<double>(count - 1)});
  }
  for (Reading& r : all) r.step = std::clamp(r.step, -1.0, 1.0);
  return all;
}

SampledLine random_line(std::size_t n, std::mt19937& random) {
  std::normal_distribution<float> value(0, 10);
  SampledLine line(n);
  for (float& v : line.samples()) v = value(random);
  line.prepare();
  return line;
}

TEST(Interpolate, EveryBackendGivesTheSameBits) {
  std::mt19937 random(5);
  for (const std::size_t n : {2, 5, 16, 17, 100, 1000}) {
    const SampledLine line = random_line(n, random);
    for (const Reading& r : readings(n, random)) {
      std::vector<float> expected(r.count, 0.25F);
      ASSERT_TRUE(set_backend("scalar").ok());
      line.add_to(expected, r.start, r.step);
      for (const std::string& name : backends()) {
        ASSERT_TRUE(set_backend(name).ok());
        std::vector<float> out(r.count, 0.25F);
        line.add_to(out, r.start, r.step);
        ASSERT_EQ(out, expected) << name << " " << n << " " << r.start << " " << r.step;
        EXPECT_EQ(backend_that_ran(), name);
      }
    }
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

TEST(Interpolate, PlacesAreWhereTheyShouldBe) {
  std::mt19937 random(6);
  for (const std::size_t n : {2, 17, 300}) {
    SampledLine line = random_line(n, random);
    const std::span<const float> samples = line.samples();
    for (const Reading& r : readings(n, random)) {
      std::vector<float> out(r.count);
      line.add_to(out, r.start, r.step);
      for (std::size_t k = 0; k < r.count; ++k) {
        const double at =
            std::clamp(r.start + static_cast<double>(k) * r.step, 0.0, static_cast<double>(n - 1));
        const auto left = std::min(static_cast<std::size_t>(at), n - 2);
        const double a = static_cast<double>(samples[left]);
        const double b = static_cast<double>(samples[left + 1]);
        const double true_value = a + (at - static_cast<double>(left)) * (b - a);
        // Two samples' distance times 2^-15, where a place is at a sample of the next two, too.
        double steepest = std::abs(b - a);
        for (const std::size_t near : {left - 1, left + 1})
          if (near < n - 1)
            steepest = std::max(steepest,
                                static_cast<double>(std::abs(samples[near + 1] - samples[near])));
        ASSERT_NEAR(static_cast<double>(out[k]), true_value, steepest / 32768 + 1e-5)
            << n << " " << r.start << " " << r.step << " " << k;
      }
    }
  }
}

}  // namespace
}  // namespace etalon
