#include "pipeline/event_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "pipeline/event_source.hpp"

namespace etalon {
namespace {

using std::chrono::milliseconds;
using Numbers = std::vector<std::uint64_t>;

class EventBuilderTest : public testing::Test {
 protected:
  void add(std::size_t detector, std::uint64_t number, int at_ms = 0) {
    builder_.add(detector, Frame{number, 0, {}}, start_ + milliseconds(at_ms));
  }
  // Numbers of the events that go on; incomplete ones are noted.
  Numbers take(int at_ms = 0) {
    Numbers numbers;
    while (auto event = builder_.take(start_ + milliseconds(at_ms))) {
      numbers.push_back(event->number);
      if (!event->is_whole()) incomplete_.push_back(event->number);
    }
    return numbers;
  }

  const EventBuilder::Time start_{};
  EventBuilder builder_{3, milliseconds(100)};
  Numbers incomplete_;
};

TEST_F(EventBuilderTest, AnEventGoesOnWhenAllPartsAreThere) {
  add(0, 0);
  add(1, 0);
  EXPECT_EQ(take(), Numbers{});
  add(0, 1);
  add(2, 0);
  EXPECT_EQ(take(), Numbers{0});
  add(2, 1);
  add(1, 1);
  EXPECT_EQ(take(), Numbers{1});
  EXPECT_TRUE(incomplete_.empty());
  EXPECT_EQ(builder_.accounts().whole, 2U);
}

TEST_F(EventBuilderTest, ADetectorThatHasGonePastIsNotWaitedFor) {
  add(0, 0);
  add(1, 1);
  add(2, 0);
  EXPECT_EQ(take(), Numbers{0});
  EXPECT_EQ(incomplete_, Numbers{0});
  add(0, 1);
  add(2, 1);
  EXPECT_EQ(take(), Numbers{1});
  EXPECT_EQ(builder_.accounts().lacking, 1U);
}

TEST_F(EventBuilderTest, TheDeadlineCountsFromTheFirstPart) {
  add(0, 0, 10);
  add(1, 0, 60);
  EXPECT_EQ(builder_.due(), start_ + milliseconds(110));
  EXPECT_EQ(take(109), Numbers{});
  EXPECT_EQ(take(110), Numbers{0});
  EXPECT_EQ(incomplete_, Numbers{0});
  add(2, 0, 111);  // too late
  EXPECT_EQ(take(1000), Numbers{});
  EXPECT_EQ(builder_.accounts().late, (Numbers{0, 0, 1}));
}

TEST_F(EventBuilderTest, AnEndedDetectorIsNotWaitedFor) {
  add(0, 0);
  add(1, 0);
  builder_.end(2);
  EXPECT_EQ(take(), Numbers{0});
  EXPECT_EQ(incomplete_, Numbers{0});
  builder_.end(0);
  builder_.end(1);
  EXPECT_EQ(take(1000), Numbers{});
}

TEST_F(EventBuilderTest, APartTwiceIsNoNewPart) {
  for (const std::size_t d : {0U, 1U, 2U}) add(d, 5);
  add(1, 5);
  EXPECT_EQ(take(), Numbers{5});
  EXPECT_EQ(builder_.accounts().twice, (Numbers{0, 1, 0}));
}

// Every part that comes is in one event, late or twice, and events come in order, whatever is lost.
TEST_F(EventBuilderTest, NothingIsLostSilently) {
  std::uint64_t seed = 1, added = 0;
  const auto random = [&](std::uint64_t n) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (seed >> 33) % n;
  };
  std::array<std::uint64_t, 3> next{};
  Numbers events;
  std::uint64_t taken = 0;
  for (int t = 0; t < 20000; ++t) {
    const std::size_t d = random(3);
    if (next[d] < 5000 && random(10) != 0) {
      add(d, next[d], t);
      ++added;
    }
    if (next[d] < 5000) ++next[d];
    while (auto event = builder_.take(start_ + milliseconds(t))) {
      events.push_back(event->number);
      for (const auto& part : event->parts) taken += part ? 1 : 0;
    }
  }
  for (const std::size_t d : {0U, 1U, 2U}) builder_.end(d);
  for (const std::uint64_t number : take(20000)) events.push_back(number);
  const auto& a = builder_.accounts();
  EXPECT_TRUE(std::is_sorted(events.begin(), events.end()));
  EXPECT_EQ(events.size(), a.whole + a.incomplete);
  EXPECT_EQ(added, 3 * events.size() - a.lacking + a.late[0] + a.late[1] + a.late[2]);
  EXPECT_GT(a.incomplete, 0U);
  EXPECT_GT(a.whole, 0U);
}

TEST(CombinedInfo, PanelsAndMasksAreMovedDown) {
  SeriesInfo a, b;
  a.geometry.nx = b.geometry.nx = 4;
  a.geometry.ny = 2;
  b.geometry.ny = 3;
  b.geometry.panels = {{0, 3, 0, 2}, {0, 3, 2, 4}};
  b.pixel_mask.assign(12, 1);
  a.frames = 5;
  b.frames = 7;
  const auto whole = combined_info({a, b}, {"a", "b"});
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->geometry.ny, 5U);
  EXPECT_EQ(whole->geometry.panels, (std::vector<Panel>{{0, 2, 0, 4}, {2, 5, 0, 2}, {2, 5, 2, 4}}));
  EXPECT_EQ(whole->frames, 7U);
  ASSERT_EQ(whole->pixel_mask.size(), 20U);
  EXPECT_EQ(whole->pixel_mask[7], 0U);
  EXPECT_EQ(whole->pixel_mask[8], 1U);
  b.geometry.nx = 5;
  const auto other = combined_info({a, b}, {"a", "b"});
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
