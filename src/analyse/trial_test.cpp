#include "analyse/trial.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace etalon {
namespace {

// Frames in memory: Poisson background with bright spots on a grid.
class MemorySeries final : public SeriesReader {
 public:
  explicit MemorySeries(std::uint64_t frames) {
    info_.frames = frames;
    info_.geometry.ny = info_.geometry.nx = 96;
    info_.geometry.centre_x = info_.geometry.centre_y = 48;
  }
  const SeriesInfo& info() const override { return info_; }
  std::vector<std::string> files() const override { return {"memory"}; }
  Result<Frame> read(std::uint64_t index) override {
    if (index == broken) return Error{Errc::io, "gone"};
    std::mt19937 random(static_cast<unsigned>(index));
    std::poisson_distribution<int> background(1.5);
    Frame frame{index, 0, Array(DType::u16, {96, 96})};
    const auto pixels = frame.image.as<std::uint16_t>();
    for (std::uint16_t& pixel : pixels) pixel = static_cast<std::uint16_t>(background(random));
    for (std::size_t y = 16; y < 96; y += 24)
      for (std::size_t x = 16; x < 96; x += 24)
        for (const std::size_t at : {y * 96 + x, y * 96 + x + 1, (y + 1) * 96 + x})
          pixels[at] = static_cast<std::uint16_t>(pixels[at] + 30 + at % 61);
    return frame;
  }
  std::uint64_t broken = 1000;

 private:
  SeriesInfo info_;
};

TrialSample sample_of(const SeriesReader& series, std::uint64_t count, unsigned threads) {
  TrialSample sample;
  sample.frames = spread_frames(series.info().frames, count);
  sample.geometry = series.info().geometry;
  sample.mask = Mask(sample.geometry.pixels(), 1);
  sample.settings.min_peaks = 5;
  sample.threads = threads;
  return sample;
}

TEST(SpreadFrames, AreAtEqualDistances) {
  using Frames = std::vector<std::uint64_t>;
  EXPECT_EQ(spread_frames(10, 4), (Frames{0, 2, 5, 7}));
  EXPECT_EQ(spread_frames(3, 0), (Frames{0, 1, 2}));
  EXPECT_EQ(spread_frames(3, 9), (Frames{0, 1, 2}));
  EXPECT_TRUE(spread_frames(0, 5).empty());
  const Frames far = spread_frames(std::uint64_t{1} << 60, 3);
  EXPECT_TRUE(std::is_sorted(far.begin(), far.end()));
}

TEST(Trials, SayWhatASettingTakesAndDoes) {
  MemorySeries series(11);
  std::vector<TrialOutcome> first;
  for (const unsigned threads : {1U, 3U}) {
    auto trials = Trials::create(series, sample_of(series, 11, threads));
    ASSERT_TRUE(trials.ok()) << trials.error().message;
    std::vector<TrialOutcome> outcomes;
    for (const TrialSetting& setting :
         {TrialSetting{}, TrialSetting{Bound::abs(8)}, TrialSetting{Bound::abs(8), false, true},
          TrialSetting{Bound::abs(2), true, true}}) {
      auto outcome = trials->run(setting);
      ASSERT_TRUE(outcome.ok()) << outcome.error().message;
      EXPECT_EQ(outcome->raw_bytes, 11U * 96 * 96 * 2);
      EXPECT_EQ(outcome->report.compared, 11U);
      outcomes.push_back(std::move(*outcome));
    }
    EXPECT_EQ(outcomes[0].report.metrics().at("peaks"), 1);
    EXPECT_EQ(outcomes[0].report.metrics().at("strong_scatter"), 0);
    EXPECT_GT(outcomes[1].ratio(), outcomes[2].ratio());
    EXPECT_GT(outcomes[2].ratio(), outcomes[0].ratio());
    EXPECT_GT(outcomes[1].report.metrics().at("strong_bias"), 0.5);
    EXPECT_EQ(outcomes[2].report.metrics().at("strong_bias"), 0);  // lossless squares
    EXPECT_EQ(outcomes[3].report.metrics().at("strong_bias"), 0);
    if (first.empty()) first = outcomes;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {  // threads do not matter
      EXPECT_EQ(outcomes[i].bytes, first[i].bytes);
      EXPECT_EQ(outcomes[i].report.radial_chi2(), first[i].report.radial_chi2());
      EXPECT_EQ(outcomes[i].report.peaks_kept, first[i].report.peaks_kept);
    }
  }
}

// The bytes are those of `compress` over the same frames: the dither's seeds, too.
TEST(Trials, TakeTheBytesOfAContainer) {
  MemorySeries series(4);
  Array whole(DType::u16, {4, 96, 96});
  for (std::size_t i = 0; i < 4; ++i) {
    const Frame frame = *series.read(i);
    const auto from = frame.image.view().bytes();
    std::copy(from.begin(), from.end(), whole.mutable_view().data + i * from.size());
  }
  auto trials = Trials::create(series, sample_of(series, 0, 1));
  ASSERT_TRUE(trials.ok());
  for (const bool dither : {false, true}) {
    CompressOptions options;
    options.bound = Bound::abs(1);
    options.dither = dither;
    options.mask = Mask(96 * 96, 1);
    const auto container = compress(whole.view(), options);
    ASSERT_TRUE(container.ok());
    EXPECT_EQ(trials->run({Bound::abs(1), dither})->bytes, container->size());
  }
}

TEST(Trials, ErrorsNameTheFrame) {
  MemorySeries series(9);
  series.broken = 6;
  EXPECT_FALSE(Trials::create(series, sample_of(series, 9, 2)).ok());
  series.broken = 1000;
  auto trials = Trials::create(series, sample_of(series, 9, 2));
  ASSERT_TRUE(trials.ok());
  const auto refused = trials->run({Bound::sigma(1), true});  // not with dither
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::usage);
  EXPECT_NE(refused.error().message.find("memory: frame 0"), std::string::npos);

  const std::atomic<bool> stop = true;
  TrialSample sample = sample_of(series, 9, 2);
  sample.stop = &stop;
  EXPECT_EQ(Trials::create(series, std::move(sample)).error().code, Errc::interrupted);
}

}  // namespace
}  // namespace etalon
