// What was found goes through bytes unchanged; bytes that nobody has written are refused.
#include "analyse/findings_part.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "analyse/azimuthal_series.hpp"
#include "analyse/crystal_series.hpp"
#include "analyse/frame_ranges.hpp"
#include "analyse/hits.hpp"
#include "analyse/powder.hpp"

namespace etalon {
namespace {

template <typename T>
void expect_malformed(const Result<T>& result, const std::string& words = "") {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::malformed);
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
}

// Every byte changed, every length shorter, one byte more.
template <typename F>
void for_each_harm(const Bytes& bytes, F&& f) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] ^= std::byte{0x40};
    f(flipped);
    f(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i)));
  }
  Bytes longer = bytes;
  longer.push_back({});
  f(longer);
}

TEST(FrameRanges, CoverAllFramesOnceInMultiplesOfEight) {
  const std::vector<std::uint64_t> frames{0, 1, 8, 700, 5000, 100000};
  const auto ranges = cut_into_ranges(frames);
  std::vector<std::uint64_t> next(frames.size());
  std::size_t series = 0;
  for (const FrameRange& range : ranges) {
    EXPECT_GE(range.series, series);
    series = range.series;
    EXPECT_EQ(range.begin, next[series]);
    EXPECT_EQ(range.begin % 8, 0U);
    EXPECT_GT(range.frames(), 0U);
    EXPECT_LE(range.frames(), 64U);
    next[series] = range.end;
  }
  EXPECT_EQ(next, frames);
  EXPECT_EQ(cut_into_ranges(std::vector<std::uint64_t>{0}).size(), 0U);
}

TEST(FindingsPart, ComesBackAndNoHarmGoesUnseen) {
  const Bytes found(20, std::byte{7});
  const Bytes bytes = pack(FindingsPart{"kind: a\nbins: 3\n", {0, 2, 900}, found});
  const auto part = unpack_findings_part(bytes);
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(part->about, "kind: a\nbins: 3\n");
  EXPECT_EQ(part->ranges, (std::vector<std::uint64_t>{0, 2, 900}));
  EXPECT_TRUE(std::ranges::equal(part->findings, found));
  for_each_harm(bytes, [](const Bytes& bad) { expect_malformed(unpack_findings_part(bad)); });
  const Bytes unsorted = pack(FindingsPart{"", {3, 3}, found});
  expect_malformed(unpack_findings_part(unsorted), "range 3 follows 3");
}

TEST(FindingsPart, NamesTheFirstDifference) {
  EXPECT_EQ(first_difference("a: 1\nb: 2\n", "a: 1\nb: 3\n"), "'b: 2' and not 'b: 3'");
  EXPECT_EQ(first_difference("a: 1\n", "a: 1\nb: 3\n"), "'' and not 'b: 3'");
  EXPECT_EQ(first_difference("a: 1\n", "a: 1\n"), "");
}

template <typename T>
Powder powder_of(const SeriesInfo& info, std::initializer_list<T> first) {
  Powder powder = *Powder::create(info);
  std::vector<T> image(first);
  for (int i = 0; i < 3; ++i) {
    std::ranges::rotate(image, image.begin() + 1);
    EXPECT_TRUE(powder.add(view_of(std::span<const T>(image), {2, 2})).ok());
  }
  return powder;
}

TEST(FindingsBytes, PowderMergesAsIfItHadNeverBeenBytes) {
  SeriesInfo info;
  info.geometry.ny = info.geometry.nx = 2;
  info.dtype = DType::i32;
  info.pixel_mask = {0, 0, 1, 0};
  info.saturation_value = 70000;
  Powder here = powder_of<std::int32_t>(info, {-2147483647 - 1, 2147483647, 5, 70000});
  const Powder there = powder_of<std::int32_t>(info, {1, -9, 2147483647, 3});
  auto back = Powder::unpack(info, there.pack());
  ASSERT_TRUE(back.ok()) << back.error().message;
  Powder straight = here;
  ASSERT_TRUE(straight.merge(there).ok());
  ASSERT_TRUE(here.merge(*back).ok());
  EXPECT_EQ(here.pack(), straight.pack());
  EXPECT_EQ(here.variance(), straight.variance());
  EXPECT_EQ(here.saturated_frames(), straight.saturated_frames());

  Bytes wrong = there.pack();
  wrong[16] = std::byte{2};  // the first pixel is neither good nor bad
  expect_malformed(Powder::unpack(info, wrong), "pixel 0");
  wrong = there.pack();
  wrong[20 + 7] = std::byte{0x7f};  // more than three frames add up to
  expect_malformed(Powder::unpack(info, wrong), "of 3 frames");
  wrong = there.pack();
  wrong[8] = std::byte{4};  // more saturated frames than frames
  expect_malformed(Powder::unpack(info, wrong), "no powder of such images");
  wrong.pop_back();
  expect_malformed(Powder::unpack(info, wrong), "truncated");
  info.dtype = DType::u16;
  EXPECT_FALSE(Powder::unpack(info, there.pack()).ok());
}

TEST(FindingsBytes, HitsComeBack) {
  Geometry geometry;
  geometry.distance_m = 0.1;
  geometry.pixel_size_x_m = geometry.pixel_size_y_m = 75e-6;
  geometry.wavelength_angstrom = 1;
  HitStatistics hits(2);
  for (const float x : {10.0F, 20.0F, 30.0F})
    hits.add(std::vector<Peak>(x < 25 ? 2 : 3, Peak{.x = x, .y = 4}), geometry);
  hits.add({}, geometry);
  const Bytes bytes = hits.pack();
  const auto back = HitStatistics::unpack(bytes);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->pack(), bytes);
  EXPECT_EQ(back->frames(), 4U);
  EXPECT_EQ(back->histogram(), hits.histogram());
  EXPECT_EQ(back->resolution_angstrom(1), hits.resolution_angstrom(1));
  std::size_t refused = 0;
  for_each_harm(bytes, [&](const Bytes& bad) { refused += !HitStatistics::unpack(bad).ok(); });
  // Of frames, and of resolutions, another number may be true.
  EXPECT_GT(refused, bytes.size() + 4 + 4 * 8);
}

TEST(FindingsBytes, BlocksOfProfilesAndStillsComeBack) {
  ProfileBlock block;
  for (const double value : {1.0, 2.5})
    block.add(static_cast<std::uint64_t>(value),
              {{value, 3}, {0.5, 1}, {value, 6}, {1, 2}, {4, 5}, {1, 1}});
  ByteWriter blocks;
  block.pack(blocks);
  ByteReader in(blocks.buffer());
  const auto back = ProfileBlock::unpack(in, 2, true);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_TRUE(in.done());
  EXPECT_EQ(back->numbers, block.numbers);
  EXPECT_EQ(back->intensity, block.intensity);
  EXPECT_EQ(back->sum.intensity, block.sum.intensity);
  EXPECT_EQ(back->sum.variance, (std::vector<double>{8, 10}));
  const Bytes none(8);
  ByteReader of_none(none);
  expect_malformed(ProfileBlock::unpack(of_none, 2, true), "a block of 0 frames");

  StillResult still;
  still.frame = 17;
  still.peaks = 3;
  CrystalLattice& lattice = still.crystals.lattices.emplace_back();
  lattice.a_matrix = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  lattice.peaks = {{2, {1, -2, 3}, 0.5, 1e-4}};
  ByteWriter out;
  pack(still, out);
  ByteReader stills(out.buffer());
  const auto again = unpack_still(stills);
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_EQ(again->crystals.lattices.size(), 1U);
  EXPECT_EQ(again->crystals.lattices[0].a_matrix, lattice.a_matrix);
  EXPECT_EQ(again->crystals.lattices[0].peaks[0].index, (Miller{1, -2, 3}));
  still.crystals.observations = {{{{1, -2, 3}, 4.5F, 0.5F, 0.25F}, {{0, 0, 7}, -1, 2, 3}}};
  ByteWriter integrated;
  pack(still, integrated);
  ByteReader of_integrated(integrated.buffer());
  const auto whole = unpack_still(of_integrated);
  ASSERT_TRUE(whole.ok() && of_integrated.done());
  ASSERT_EQ(whole->crystals.observations.size(), 1U);
  EXPECT_EQ(whole->crystals.observations[0][0].unique, (Miller{1, -2, 3}));
  EXPECT_EQ(whole->crystals.observations[0][1].intensity, -1);
  still.crystals.observations[0][1].sigma = std::numeric_limits<float>::infinity();
  ByteWriter endless;
  pack(still, endless);
  ByteReader of_endless(endless.buffer());
  expect_malformed(unpack_still(of_endless), "no number");
  still.crystals.observations.resize(2);
  still.crystals.observations[0].clear();
  ByteWriter many;
  pack(still, many);
  ByteReader of_many(many.buffer());
  expect_malformed(unpack_still(of_many), "2 of 1 lattices");
  still.peaks = 2;  // the lattice's peak is the third
  ByteWriter wrong;
  pack(still, wrong);
  ByteReader of_wrong(wrong.buffer());
  expect_malformed(unpack_still(of_wrong), "peak 2 of 2 peaks");
}

}  // namespace
}  // namespace etalon
