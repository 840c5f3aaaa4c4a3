#include "pipeline/fast_loop.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "control/simulated_instrument.hpp"

namespace etalon {
namespace {

TEST(FrameStatistics, CountOnlyWhatCounts) {
  Array image(DType::u16, {2, 3});
  const std::uint16_t pixels[] = {1, 2, 100, 65535, 7, 100};
  std::copy(std::begin(pixels), std::end(pixels), image.as<std::uint16_t>().begin());
  const Mask mask{1, 1, 1, 0, 1, 1};
  const FrameStatistics s = frame_statistics(image.view(), mask, 100);
  EXPECT_EQ(s.good_pixels, 5U);
  EXPECT_EQ(s.saturated_pixels, 2U);
  EXPECT_EQ(s.mean, 42);
  EXPECT_EQ(s.max, 100);
  EXPECT_EQ(frame_statistics(image.view(), mask, 0).saturated_pixels, 0U);
  EXPECT_EQ(frame_statistics(image.view(), Mask(6, 0), 100).good_pixels, 0U);
}

TEST(FrameStatistics, OfLargeAndOddImages) {
  Array image(DType::i32, {101, 103});
  double sum = 0;
  for (std::size_t i = 0; i < image.count(); ++i) {
    image.as<std::int32_t>()[i] = static_cast<std::int32_t>(i * 7919 % 2000003) - 1000000;
    sum += image.as<std::int32_t>()[i];
  }
  const FrameStatistics s = frame_statistics(image.view(), Mask(image.count(), 1), 0);
  EXPECT_DOUBLE_EQ(s.mean, sum / static_cast<double>(image.count()));
  Array floats(DType::f32, {2, 2});
  floats.as<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  floats.as<float>()[1] = 3;
  floats.as<float>()[2] = -1;
  EXPECT_EQ(frame_statistics(floats.view(), Mask(4, 1), 2).good_pixels, 3U);
  EXPECT_EQ(frame_statistics(floats.view(), Mask(4, 1), 2).max, 3);
  EXPECT_EQ(frame_statistics(floats.view(), Mask(4, 1), 2).saturated_pixels, 1U);
}

class FastLoopTest : public testing::Test {
 protected:
  Frame frame(std::uint64_t number, std::uint16_t hottest = 0) {
    Frame f{number, 0, Array(DType::u16, {4, 4})};
    f.image.as<std::uint16_t>()[5] = hottest;
    return f;
  }
  std::unique_ptr<FastLoop> loop(const std::string& rules) {
    auto recipe = parse_recipe(rules, "r.toml");
    EXPECT_TRUE(recipe.ok()) << recipe.error().message;
    auto made = FastLoop::create(*recipe, Mask(16, 1), nullptr,
                                 {"series", 1000, &instrument_,
                                  [this](const std::string& text) { alarms_.push_back(text); }});
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(*made);
  }
  std::size_t actions(FastLoop& loop, const Frame& frame, std::size_t peaks = 0) {
    FrameFigures figures;
    figures.peaks = peaks;
    const auto taken = loop.consider(frame, {}, figures, std::chrono::steady_clock::now());
    EXPECT_TRUE(taken.ok());
    return taken->size();
  }

  SimulatedInstrument instrument_;
  std::vector<std::string> alarms_;
};

TEST_F(FastLoopTest, EachRuleThatHoldsActs) {
  const auto fast = loop(R"(
[[fast.rule]]
when = "saturated_pixels > 0"
action = "attenuate"
parameters = { factor = 0.5 }
[[fast.rule]]
when = "peaks >= 3"
action = "move_sample"
parameters = { dx_um = 5 }
)");
  EXPECT_EQ(actions(*fast, frame(1, 999)), 0U);
  EXPECT_EQ(actions(*fast, frame(2, 1000)), 1U);
  EXPECT_EQ(instrument_.state().transmission, 0.5);
  EXPECT_EQ(actions(*fast, frame(3, 2000), 3), 2U);
  EXPECT_EQ(instrument_.state().transmission, 0.25);
  EXPECT_EQ(instrument_.state().x_um, 5);
  EXPECT_TRUE(alarms_.empty());
}

TEST_F(FastLoopTest, ARuleRestsWhenItHasActed) {
  const auto fast = loop(R"(
[[fast.rule]]
when = "peaks >= 1"
action = "move_sample"
parameters = { dx_um = 1 }
hold_frames = 3
)");
  std::vector<std::size_t> acted;
  for (std::uint64_t i = 0; i < 9; ++i)
    if (actions(*fast, frame(i), 1) > 0) acted.push_back(i);
  EXPECT_EQ(acted, (std::vector<std::size_t>{0, 4, 8}));
  EXPECT_EQ(actions(*fast, frame(2), 1), 0U);  // a late one
}

TEST_F(FastLoopTest, ManyThreadsDoNotActTwiceWithinTheRest) {
  const auto fast = loop(R"(
[[fast.rule]]
when = "peaks >= 1"
action = "move_sample"
parameters = { dx_um = 1 }
hold_frames = 1000000
)");
  std::atomic<std::size_t> acted{0};
  std::vector<std::thread> crew;
  for (std::uint64_t t = 0; t < 4; ++t)
    crew.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 200; ++i) acted += actions(*fast, frame(4 * i + t), 1);
    });
  for (std::thread& thread : crew) thread.join();
  EXPECT_EQ(acted, 1U);
}

TEST_F(FastLoopTest, WhatTheInstrumentRefusesIsSaidAndTheRunGoesOn) {
  const auto fast = loop(R"(
[[fast.rule]]
when = "peaks >= 1"
action = "move_sample"
parameters = { dx_um = 1e9 }
)");
  EXPECT_EQ(actions(*fast, frame(1), 1), 1U);
  ASSERT_EQ(alarms_.size(), 1U);
  EXPECT_EQ(instrument_.state().x_um, 0);
}

TEST_F(FastLoopTest, SenselessRulesAreKnownBeforeTheRun) {
  EXPECT_FALSE(
      parse_recipe("[[fast.rule]]\nwhen = \"hit_rate > 1\"\naction = \"stop\"\n", "r.toml").ok());
  EXPECT_FALSE(
      parse_recipe("[[fast.rule]]\nwhen = \"peaks >\"\naction = \"stop\"\n", "r.toml").ok());
  EXPECT_FALSE(parse_recipe("[[fast.rule]]\nwhen = \"peaks > 1\"\n", "r.toml").ok());
  const auto recipe =
      parse_recipe("[[fast.rule]]\nwhen = \"peaks > 1\"\naction = \"dance\"\n", "r.toml");
  ASSERT_TRUE(recipe.ok());
  const auto made = FastLoop::create(*recipe, Mask(16, 1), nullptr, {"s", 0, &instrument_, {}});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Errc::usage);
  EXPECT_NE(made.error().message.find("[[fast.rule]] 1"), std::string::npos);
}

}  // namespace
}  // namespace etalon
