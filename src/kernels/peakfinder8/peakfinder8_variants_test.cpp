// Every backend gives the reference's peaks to the bit, and the reference gives what the textbook
// gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <tuple>

#include "etalon/backend.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"
#include "kernels/peakfinder8/peakfinder8_cases.hpp"
#include "kernels/peakfinder8/peakfinder8_textbook.hpp"

namespace etalon {
namespace {

std::vector<Peak> find(const pf8::Case& c, const std::string& backend_name) {
  EXPECT_TRUE(set_backend(backend_name).ok());
  record_run(-1);
  auto finder = PeakFinder8::create(c.geometry, c.mask, c.parameters);
  EXPECT_TRUE(finder.ok()) << finder.error().message;
  auto peaks = finder->find(c.image.view());
  EXPECT_TRUE(peaks.ok()) << peaks.error().message;
  EXPECT_EQ(backend_that_ran(), backend_name) << "this backend is listed and did not run";
  EXPECT_TRUE(set_backend("auto").ok());
  return *peaks;
}

void expect_equal_on_all_backends(const pf8::Case& c, const std::string& what) {
  const std::vector<Peak> expected = find(c, "scalar");
  for (const std::string& name : backends()) {
    const std::vector<Peak> peaks = find(c, name);
    ASSERT_EQ(peaks.size(), expected.size()) << name << ", " << what;
    for (std::size_t i = 0; i < peaks.size(); ++i)
      ASSERT_EQ(std::memcmp(&peaks[i], &expected[i], sizeof(Peak)), 0)
          << name << ", " << what << ", peak " << i;
  }
}

TEST(PeakFinder8Variants, AgreeOnRandomCases) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    pf8::Dice dice(seed);
    expect_equal_on_all_backends(pf8::random_case(dice), "case " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(PeakFinder8Variants, AgreeOnStills) {
  for (std::uint64_t seed = 0; seed < 3; ++seed)
    expect_equal_on_all_backends(pf8::serial_case(301, 257, 40, seed), "still");
}

TEST(PeakFinder8Variants, AgreeOnEveryTypeOfStrongBackground) {
  Geometry g;
  g.ny = 70;
  g.nx = 90;
  g.centre_x = 44.6;
  g.centre_y = 30.2;
  for (DType type : {DType::u8, DType::u16, DType::u32, DType::i16, DType::i32, DType::f32}) {
    for (std::int64_t factor : {1, 60, 100000}) {
      pf8::Dice dice(7);
      std::vector<std::int64_t> image = pf8::still(g, 30, 20, dice);
      for (std::int64_t& v : image) v *= factor;
      pf8::Case c{"strong", g, Mask(g.pixels(), 1), {}, pf8::as_type(image, type, g)};
      expect_equal_on_all_backends(c, std::string(name_of(type)) + " x" + std::to_string(factor));
    }
  }
}

// Peaks of the textbook in double precision on whole numbers.
std::vector<Peak> textbook(const pf8::Case& c) {
  std::vector<double> image(c.image.count());
  visit(c.image.dtype(), [&](auto zero) {
    const auto values = c.image.as<decltype(zero)>();
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<double>(values[i]);
  });
  return pf8::Textbook<double>(c.geometry, c.mask, c.parameters).find(image);
}

TEST(PeakFinder8Variants, ReferenceAgreesWithTheTextbook) {
  std::size_t cases = 0, found = 0;
  for (std::uint64_t seed = 0; cases < 1000; ++seed) {
    pf8::Dice dice(seed);
    pf8::Case c = pf8::random_case(dice);
    if (c.image.dtype() == DType::f32) continue;  // Etalon's are quantized
    bool huge = false;                            // where the definitions differ on purpose
    visit(c.image.dtype(), [&](auto zero) {
      for (auto v : c.image.as<decltype(zero)>()) huge |= std::abs(double(v)) > 1e7;
    });
    if (huge) continue;
    ++cases;
    c.parameters.snr += 0.137F;  // no limit exactly at a pixel's value, where doubles would toss
    auto expected = textbook(c);
    auto peaks = find(c, "scalar");
    // The textbook sees a group at its first interior pixel, Etalon at its first.
    const auto key = [](const Peak& a, const Peak& b) {
      return std::tie(a.pixels, a.x, a.y) < std::tie(b.pixels, b.x, b.y);
    };
    std::sort(expected.begin(), expected.end(), key);
    std::sort(peaks.begin(), peaks.end(), key);
    ASSERT_EQ(peaks.size(), expected.size()) << "case " << seed;
    for (std::size_t i = 0; i < peaks.size(); ++i) {
      EXPECT_NEAR(peaks[i].x, expected[i].x, 1e-4) << "case " << seed;
      EXPECT_NEAR(peaks[i].y, expected[i].y, 1e-4) << "case " << seed;
      EXPECT_EQ(peaks[i].pixels, expected[i].pixels) << "case " << seed;
      EXPECT_NEAR(peaks[i].intensity, expected[i].intensity, 1e-5 * expected[i].intensity + 1e-3)
          << "case " << seed;
      EXPECT_NEAR(peaks[i].sigma, expected[i].sigma, 1e-4 * expected[i].sigma) << "case " << seed;
    }
    found += peaks.size();
  }
  EXPECT_GT(found, 300U);  // the comparison was about something
}

}  // namespace
}  // namespace etalon
