#include "frame/dark_sums.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "frame/hot_pixels.hpp"

namespace etalon {
namespace {

// Eight pixels, 16 frames a gain, values 10 ADU apart round 1000 (G0), 5000 (G1), 6000 (G2).
std::vector<std::uint16_t> dark(unsigned bits, unsigned base, unsigned frame) {
  std::vector<std::uint16_t> out;
  for (unsigned i = 0; i < 8; ++i)
    out.push_back(static_cast<std::uint16_t>(bits << 14 | (base + i + (frame + i) % 2 * 10)));
  return out;
}

TEST(DarkSums, MeansOfThreeGains) {
  DarkSums sums(2, 4);
  for (unsigned frame = 0; frame < 16; ++frame) {
    sums.add(dark(0, 1000, frame));
    sums.add(dark(1, 5000, frame));
    sums.add(dark(3, 6000, frame));
  }
  GainConstants measured;
  EXPECT_EQ(sums.apply(measured), 0U);
  for (std::size_t i = 0; i < 8; ++i) {
    const float offset = static_cast<float>(i) + 5;
    EXPECT_EQ(measured.pedestal_adu[0][i], 1000 + offset);
    EXPECT_EQ(measured.pedestal_adu[1][i], 5000 + offset);
    EXPECT_EQ(measured.pedestal_adu[2][i], 6000 + offset);
    EXPECT_EQ(measured.bad[i], 0);
  }
}

TEST(DarkSums, DeadNoisyAbsentAndExtremePixelsAreBad) {
  DarkSums sums(2, 4);
  for (unsigned frame = 0; frame < 16; ++frame) {
    auto raw = dark(0, 1000, frame);
    raw[0] = 1000;                                               // the same in all
    raw[1] = static_cast<std::uint16_t>(1000 + frame % 2 * 42);  // RMS 21: above 4 times 5
    raw[2] = static_cast<std::uint16_t>(1000 + frame % 2 * 39);  // RMS 19.5: not
    raw[3] = 2 << 14 | 1000;                                     // no such gain
    raw[4] = static_cast<std::uint16_t>(frame % 2);              // mean 0.5
    raw[5] = static_cast<std::uint16_t>(16382 + frame % 2);      // mean 16382.5
    sums.add(raw);
  }
  GainConstants measured;
  measured.bad = {0, 0, 0, 0, 0, 0, 0, 1};
  measured.pedestal_adu[1] = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(sums.apply(measured), 5U);
  EXPECT_EQ(measured.bad, (std::vector<std::uint8_t>{1, 1, 0, 1, 1, 1, 0, 1}));
  EXPECT_EQ(measured.pedestal_adu[1][7], 8.0F);  // no dark frames in G1
}

TEST(PedestalTracker, FollowsAStepWithItsTimeConstant) {
  const std::vector<float> start(4, 1000.0F);
  PedestalTracker tracker(start, 0, 6);
  const std::vector<std::uint16_t> raw = {1000, 1100, 1 << 14 | 1100, 2 << 14 | 1100};
  for (int frame = 0; frame < 64; ++frame) tracker.add(raw);
  EXPECT_EQ(tracker.pedestal_adu(0), 1000.0F);
  EXPECT_NEAR(tracker.pedestal_adu(1), 1000 + 100 * (1 - std::exp(-1.0)), 0.5);
  EXPECT_EQ(tracker.pedestal_adu(2), 1000.0F);
  EXPECT_EQ(tracker.pedestal_adu(3), 1000.0F);
  for (int frame = 0; frame < 2000; ++frame) tracker.add(raw);
  EXPECT_NEAR(tracker.pedestal_adu(1), 1100.0F, 1.0 / 32);
}

TEST(HotPixels, AreLearnedAndForgotten) {
  HotPixels hot(4, {2, 0.5, 10});
  for (int frame = 0; frame < 10; ++frame) {
    const std::vector<std::int32_t> photons = {3, frame < 5 ? 3 : 0, frame < 6 ? 3 : 0, 2};
    EXPECT_EQ(hot.add(photons), frame == 9);
  }
  EXPECT_EQ(hot.hot(), (std::vector<std::uint32_t>{0, 2}));
  Mask mask = {1, 0, 1, 1};
  hot.exclude(mask);
  EXPECT_EQ(mask, (Mask{0, 0, 0, 1}));
  const std::vector<std::int32_t> quiet = {3, 0, INT32_MIN, 0};
  for (int frame = 0; frame < 10; ++frame) hot.add(quiet);
  EXPECT_EQ(hot.hot(), (std::vector<std::uint32_t>{0}));
}

}  // namespace
}  // namespace etalon
