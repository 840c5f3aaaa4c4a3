// Reflections too weak to be found: dither keeps their sums, rounding and clamping do not.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/peakfinder8/peakfinder8.hpp"
#include "weak_spots.hpp"

namespace etalon::bench {
namespace {

const WeakSpotExperiment& experiment() {
  static const WeakSpotExperiment made{WeakSpots{}};
  return made;
}

std::vector<Outcome> run(unsigned bound, std::size_t frames, std::vector<Treatment> treatments) {
  auto outcomes = experiment().run(bound, frames, treatments);
  EXPECT_TRUE(outcomes.ok()) << outcomes.error().message;
  return outcomes.ok() ? *outcomes : std::vector<Outcome>(treatments.size());
}

// Mean of max(0, n + e) for Poisson n and e uniform over -bound..bound.
double clamped_mean(double photons, unsigned bound) {
  const int b = static_cast<int>(bound);
  double mean = 0, probability = std::exp(-photons);
  for (int n = 0; n < 60; ++n, probability *= photons / n)
    for (int e = -b; e <= b; ++e) mean += probability * std::max(0, n + e) / (2 * b + 1);
  return mean;
}

TEST(WeakSpots, AreBelowTheFinder) {
  Geometry geometry;
  geometry.ny = geometry.nx = experiment().mean_image().shape[0];
  geometry.centre_x = geometry.centre_y = static_cast<double>(geometry.nx) / 2;
  auto finder = PeakFinder8::create(geometry, Mask(geometry.pixels(), 1), PeakParameters{});
  ASSERT_TRUE(finder.ok());
  EXPECT_GE(experiment().spots_per_frame(), 10000U);
  std::size_t found = 0;
  for (std::size_t frame = 0; frame < 4; ++frame)
    found += finder->find(experiment().exposure(frame).view())->size();
  EXPECT_LE(found, 2U);  // of 51 076 spots
}

// Frames are so many that the 99 % interval of an unbiased method has a half-width of 1 % of the
// true mean: it then lies within 2 % ninety-nine times in a hundred.
class Dithered : public testing::TestWithParam<unsigned> {};

TEST_P(Dithered, SumsAreUnbiased) {
  const unsigned bound = GetParam();
  const std::size_t frames = experiment().frames_needed(bound, 0.01);
  const Outcome dither = run(bound, frames, {Treatment::dither})[0];
  EXPECT_GE(dither.spots, 400000U);
  EXPECT_LT(dither.worst(), 0.02) << dither.bias << " +- " << dither.half_width;
  // Errors are independent and uniform: their scatter is the one that frames were counted for.
  EXPECT_NEAR(dither.half_width, 0.01, 0.0003);
  EXPECT_LT(std::abs(dither.offset), 0.002);
  EXPECT_GT(dither.ratio, 18);
}

TEST_P(Dithered, SumsAreNotWhenClamped) {
  const unsigned bound = GetParam();
  const auto outcomes = run(bound, 24, {Treatment::plain, Treatment::clamped});
  const Outcome &plain = outcomes[0], &clamped = outcomes[1];
  EXPECT_LT(clamped.bias + clamped.half_width, -0.02);
  EXPECT_LT(plain.bias + plain.half_width, -0.02);
  EXPECT_LT(plain.bias, bound > 1 ? -0.8 : -0.3);
  EXPECT_GT(clamped.offset, 0.1);

  // What clamping does to a Poisson number is known exactly.
  const ArrayView mean = experiment().mean_image();
  Array expected(DType::f32, mean.shape);
  for (std::size_t i = 0; i < mean.count(); ++i)
    expected.as<float>()[i] =
        static_cast<float>(clamped_mean(static_cast<double>(mean.as<float>()[i]), bound));
  const double bias = experiment().mean_net(expected.view()) / experiment().true_mean() - 1;
  EXPECT_NEAR(clamped.bias, bias, 1.5 * clamped.half_width);
}

INSTANTIATE_TEST_SUITE_P(Abs, Dithered, testing::Values(1U, 2U, 3U));

}  // namespace
}  // namespace etalon::bench
