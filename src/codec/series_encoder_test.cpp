// The streaming encoder against `compress`: the same bytes, in order, in bounded memory.
#include "etalon/series.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <stdexcept>
#include <thread>

namespace etalon {
namespace {

using Bytes = std::vector<std::byte>;

Array photons(std::size_t frames, DType dtype = DType::u16, std::size_t ny = 40,
              std::size_t nx = 50) {
  Array array(dtype, Shape{frames, ny, nx});
  std::mt19937_64 rng(11);
  std::poisson_distribution<int> counts(2.5);
  visit(dtype, [&](auto zero) {
    for (auto& v : array.as<decltype(zero)>()) v = static_cast<decltype(zero)>(counts(rng));
  });
  return array;
}

SeriesSettings settings_of(const Array& array, unsigned threads, CompressOptions options = {}) {
  SeriesSettings s;
  s.dtype = array.dtype();
  s.frame = Shape(array.shape().extents().subspan(1));
  s.options = std::move(options);
  s.options.threads = threads;
  return s;
}

SeriesEncoder::Sink into(Bytes& file) {
  return [&file](std::span<const std::byte> bytes) -> Result<void> {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return {};
  };
}

Bytes encode(const Array& array, const SeriesSettings& settings) {
  Bytes file;
  auto encoder = SeriesEncoder::create(settings, into(file));
  EXPECT_TRUE(encoder.ok());
  for (std::size_t i = 0; i < array.shape()[0]; ++i) {
    const auto pushed = encoder->push(array.view()[i]);
    EXPECT_TRUE(pushed.ok()) << pushed.error().message;
  }
  const auto finished = encoder->finish();
  EXPECT_TRUE(finished.ok()) << finished.error().message;
  EXPECT_EQ(encoder->frames(), array.shape()[0]);
  EXPECT_EQ(encoder->bytes(), file.size());
  return file;
}

Region corner(const Bound& bound, std::size_t side = 8) {
  Region r{"box", bound, std::vector<std::uint8_t>(40 * 50)};
  for (std::size_t y = 0; y < side; ++y) std::fill_n(r.where.begin() + y * 50, side, 1);
  return r;
}

TEST(Series, BytesAreThoseOfCompressForEveryThreadCount) {
  CompressOptions lossless, bounded, dithered, relative;
  bounded.bound = Bound::abs(2);
  bounded.regions = {corner(Bound::lossless())};
  bounded.mask.assign(40 * 50, 1);
  dithered.bound = Bound::abs(1);
  dithered.dither = true;
  dithered.seed = 5;
  relative.bound = Bound::rel(0.1, 0, 20);
  for (const DType dtype : {DType::u16, DType::f32}) {
    const Array array = photons(23, dtype);
    for (const CompressOptions& options : {lossless, bounded, dithered, relative})
      for (const std::size_t per_chunk : {1u, 4u, 30u}) {
        CompressOptions whole = options;
        whole.chunk = Shape{per_chunk, 40, 50};
        const auto wanted = compress(array.view(), whole);
        ASSERT_TRUE(wanted.ok()) << wanted.error().message;
        for (const unsigned threads : {0u, 1u, 2u, 7u}) {
          SeriesSettings settings = settings_of(array, threads, options);
          settings.frames_per_chunk = per_chunk;
          EXPECT_EQ(encode(array, settings), *wanted)
              << name_of(dtype) << " " << to_string(options.bound) << ", " << per_chunk
              << " frames a chunk, " << threads << " threads";
        }
      }
  }
}

TEST(Series, FramesOfAnyRankAndNoFramesAtAll) {
  for (const Shape& shape : {Shape{9}, Shape{5, 300}, Shape{3, 2, 10, 12}, Shape{0, 10, 12}}) {
    Array array(DType::i32, shape);
    for (std::size_t i = 0; i < array.count(); ++i)
      array.as<std::int32_t>()[i] = static_cast<std::int32_t>(i % 7);
    CompressOptions whole;
    whole.chunk = shape;
    whole.chunk[0] = 1;
    EXPECT_EQ(encode(array, settings_of(array, 3)), *compress(array.view(), whole))
        << to_string(shape);
  }
}

TEST(Series, FramesMayHaveRegionsOfTheirOwn) {
  const Array array = photons(12);
  CompressOptions options;
  options.bound = Bound::abs(3);
  Bytes file;
  auto encoder = SeriesEncoder::create(settings_of(array, 4, options), into(file));
  ASSERT_TRUE(encoder.ok());
  for (std::size_t i = 0; i < 12; ++i) {
    CompressOptions own = options;
    own.regions = {corner(Bound::lossless(), i)};
    ASSERT_TRUE(encoder->push(array.view()[i], own).ok());
  }
  ASSERT_TRUE(encoder->finish().ok());
  const auto back = decompress(file);
  ASSERT_TRUE(back.ok()) << back.error().message;
  std::size_t off = 0;
  for (std::size_t i = 0; i < array.count(); ++i) {
    const std::size_t frame = i / 2000, y = i % 2000 / 50, x = i % 50;
    const int error = std::abs(back->as<std::uint16_t>()[i] - array.as<std::uint16_t>()[i]);
    EXPECT_LE(error, y < frame && x < frame ? 0 : 3);
    off += error != 0;
  }
  EXPECT_GT(off, 0u);
  const auto info = inspect(file);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->regions[1].elements, 506u);  // 0 + 1 + 4 + .. + 121
}

// One piece of bytes a chunk, beside the header and the index.
TEST(Series, OuterAxesMakeAnArrayOfMoreAxes) {
  const Array flat = photons(24);
  CompressOptions dithered;
  dithered.bound = Bound::abs(1);
  dithered.dither = true;
  for (const Shape& outer : {Shape{3}, Shape{2, 4}, Shape{1, 1, 1}, Shape{24}})
    for (const unsigned threads : {1u, 3u}) {
      std::vector<std::size_t> extents = {24 / outer.count()};
      extents.insert(extents.end(), outer.extents().begin(), outer.extents().end());
      extents.insert(extents.end(), {40, 50});
      const ArrayView deep{flat.view().data, flat.dtype(), Shape(extents)};
      std::vector<std::size_t> image(extents.size() - 2, 1);
      image.insert(image.end(), {40, 50});
      CompressOptions by_image = dithered;
      by_image.chunk = Shape(image);
      const auto wanted = compress(deep, by_image);
      ASSERT_TRUE(wanted.ok());
      SeriesSettings settings = settings_of(flat, threads, dithered);
      settings.outer = outer;
      EXPECT_EQ(encode(flat, settings), *wanted) << to_string(outer);
    }
  SeriesSettings settings = settings_of(flat, 1);
  Bytes file;
  settings.outer = {5};
  auto encoder = SeriesEncoder::create(settings, into(file));
  ASSERT_TRUE(encoder.ok());
  for (std::size_t i = 0; i < 24; ++i) ASSERT_TRUE(encoder->push(flat.view()[i]).ok());
  const auto unfilled = encoder->finish();
  ASSERT_FALSE(unfilled.ok());
  EXPECT_EQ(unfilled.error().code, Errc::usage);
  settings.outer = {0};
  EXPECT_FALSE(SeriesEncoder::create(settings, into(file)).ok());
  settings.outer = {2, 2, 2, 2};
  EXPECT_FALSE(SeriesEncoder::create(settings, into(file)).ok());
  settings.outer = {2};
  settings.frames_per_chunk = 2;
  EXPECT_FALSE(SeriesEncoder::create(settings, into(file)).ok());
}

TEST(Series, OptionsMayBeMadeWhereTheFrameIsEncoded) {
  const Array array = photons(17);
  const auto options_of = [](const ArrayView& frame) -> Result<CompressOptions> {
    CompressOptions own;
    own.bound = Bound::abs(frame.as<std::uint16_t>()[0] % 3);
    own.regions = {corner(Bound::lossless(), 2 + frame.as<std::uint16_t>()[1] % 9)};
    own.dither = true;
    own.seed = 7;
    return own;
  };
  CompressOptions common;
  common.dither = true;
  Bytes wanted;
  for (const unsigned threads : {1u, 4u}) {
    Bytes given, made;
    auto a = SeriesEncoder::create(settings_of(array, threads, common), into(given));
    auto b = SeriesEncoder::create(settings_of(array, threads, common), into(made));
    ASSERT_TRUE(a.ok() && b.ok());
    for (std::size_t i = 0; i < 17; ++i) {
      ASSERT_TRUE(a->push(array.view()[i], *options_of(array.view()[i])).ok());
      ASSERT_TRUE(b->push_with(array.view()[i], options_of).ok());
    }
    ASSERT_TRUE(a->finish().ok() && b->finish().ok());
    EXPECT_EQ(given, made);
  }
  // What the maker refuses, or makes wrong, names its frame.
  for (const bool refuses : {true, false}) {
    Bytes file;
    auto encoder = SeriesEncoder::create(settings_of(array, 1, common), into(file));
    std::size_t calls = 0;
    Result<void> pushed;
    for (std::size_t i = 0; i < 5 && pushed.ok(); ++i)
      pushed =
          encoder->push_with(array.view()[i], [&](const ArrayView&) -> Result<CompressOptions> {
            if (++calls < 3) return common;
            if (refuses) return Error{Errc::check, "no"};
            return CompressOptions{};  // not dithered
          });
    ASSERT_FALSE(pushed.ok());
    EXPECT_EQ(pushed.error().code, refuses ? Errc::check : Errc::usage);
    EXPECT_EQ(pushed.error().message.substr(0, 8), "frame 2:");
  }
}

TEST(Series, MemoryIsBoundedWhateverTheSinkDoes) {
  const Array array = photons(60);
  constexpr unsigned threads = 3;
  std::size_t pieces = 0, worst = 0;
  auto encoder =
      SeriesEncoder::create(settings_of(array, threads), [&](std::span<const std::byte>) {
        ++pieces;
        return Result<void>{};
      });
  ASSERT_TRUE(encoder.ok());
  for (std::size_t i = 0; i < 60; ++i) {
    ASSERT_TRUE(encoder->push(array.view()[i]).ok());
    ASSERT_EQ(encoder->chunks(), pieces - 1);
    worst = std::max<std::size_t>(worst, encoder->frames() - encoder->chunks());
  }
  EXPECT_LE(worst, 2 * threads);
  EXPECT_GE(worst, 1u);
  ASSERT_TRUE(encoder->finish().ok());
  EXPECT_EQ(pieces, 62u);
}

TEST(Series, ASinkThatWaitsHoldsThePushesBack) {
  const Array array = photons(60);
  constexpr unsigned threads = 2;
  std::promise<void> gate;
  std::promise<void> waiting;
  std::atomic<std::size_t> pushed{0};
  std::size_t pieces = 0;
  Bytes file;
  std::thread pusher([&] {
    auto encoder =
        SeriesEncoder::create(settings_of(array, threads), [&](std::span<const std::byte> bytes) {
          if (++pieces == 2) {  // the first chunk
            waiting.set_value();
            gate.get_future().wait();
          }
          return into(file)(bytes);
        });
    for (std::size_t i = 0; i < 60; ++i) {
      EXPECT_TRUE(encoder->push(array.view()[i]).ok());
      ++pushed;
    }
    EXPECT_TRUE(encoder->finish().ok());
  });
  waiting.get_future().wait();
  EXPECT_LE(pushed.load(), 2 * threads);
  gate.set_value();
  pusher.join();
  CompressOptions by_image;
  by_image.chunk = Shape{1, 40, 50};
  EXPECT_EQ(file, *compress(array.view(), by_image));
}

TEST(Series, AnErrorNamesItsFrameAndStays) {
  const Array array = photons(40);
  for (const unsigned threads : {1u, 4u}) {
    Bytes file;
    auto encoder = SeriesEncoder::create(settings_of(array, threads), into(file));
    ASSERT_TRUE(encoder.ok());
    std::optional<Error> error;
    for (std::size_t i = 0; i < 40 && !error; ++i) {
      CompressOptions own;
      if (i == 17) own.regions = {{"box", {}, {1, 1, 1}}};  // covers three pixels
      if (auto pushed = encoder->push(array.view()[i], own); !pushed.ok()) error = pushed.error();
    }
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::usage);
    EXPECT_TRUE(error->message.starts_with("frame 17: ")) << error->message;
    EXPECT_EQ(encoder->chunks(), 17u);  // what came before is written, in order
    const std::size_t size = file.size();
    EXPECT_EQ(encoder->push(array.view()[0]).error().message, error->message);
    EXPECT_EQ(encoder->finish().error().message, error->message);
    EXPECT_EQ(file.size(), size);
    EXPECT_FALSE(decompress(file).ok());
  }
}

TEST(Series, AnErrorOfAChunkNamesItsFrames) {
  Array array = photons(9, DType::u32);
  array.as<std::uint32_t>()[5 * 2000] = 0xFFFFFFF0;  // exact among dithered: has no place
  CompressOptions options;
  options.bound = Bound::abs(1);
  options.dither = true;
  options.regions = {corner(Bound::lossless())};
  SeriesSettings settings = settings_of(array, 2, options);
  settings.frames_per_chunk = 3;
  Bytes file;
  auto encoder = SeriesEncoder::create(settings, into(file));
  ASSERT_TRUE(encoder.ok());
  for (std::size_t i = 0; i < 9; ++i) (void)encoder->push(array.view()[i]).ok();
  const auto finished = encoder->finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_TRUE(finished.error().message.starts_with("frames 3 to 5: ")) << finished.error().message;
}

TEST(Series, AFrameOfAnotherKindIsRefused) {
  const Array array = photons(1, DType::u32);
  Bytes file;
  auto encoder = SeriesEncoder::create(settings_of(array, 2), into(file));
  ASSERT_TRUE(encoder.ok());
  const auto wrong = encoder->push(photons(1).view()[0]);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message, "frame 0: series: u16 40x50 where u32 40x50 is expected");

  SeriesSettings settings = settings_of(array, 2);
  settings.frames_per_chunk = 2;
  auto pairs = SeriesEncoder::create(settings, into(file));
  EXPECT_EQ(pairs->push(array.view()[0], {}).error().code, Errc::usage);
  settings.dtype = DType::u64;
  settings.options.dither = true;
  EXPECT_EQ(SeriesEncoder::create(settings, into(file)).error().code, Errc::usage);
}

TEST(Series, AnErrorOfTheSinkIsGivenBack) {
  const Array array = photons(20);
  for (const unsigned threads : {1u, 3u}) {
    std::size_t pieces = 0;
    auto encoder = SeriesEncoder::create(settings_of(array, threads), [&](auto) -> Result<void> {
      if (++pieces > 3) return Error{Errc::io, "disk: full"};
      return {};
    });
    ASSERT_TRUE(encoder.ok());
    for (std::size_t i = 0; i < 20; ++i) (void)encoder->push(array.view()[i]).ok();
    const auto finished = encoder->finish();
    ASSERT_FALSE(finished.ok());
    EXPECT_EQ(finished.error().code, Errc::io);
    EXPECT_EQ(finished.error().message, "disk: full");
    EXPECT_EQ(pieces, 4u);
  }
  const auto header = SeriesEncoder::create(
      settings_of(array, 2), [](auto) -> Result<void> { throw std::runtime_error("gone"); });
  ASSERT_FALSE(header.ok());
  EXPECT_EQ(header.error().code, Errc::io);
}

TEST(Series, WhatIsSenselessIsRefusedBeforeAnyByte) {
  const Array array = photons(2);
  std::size_t pieces = 0;
  const auto refused = [&](const SeriesSettings& s) {
    const auto encoder = SeriesEncoder::create(s, [&](auto) {
      ++pieces;
      return Result<void>{};
    });
    return !encoder.ok() && encoder.error().code == Errc::usage;
  };
  CompressOptions options;
  options.bound.kind = Bound::Kind::rel;
  options.bound.value = 0.1;
  EXPECT_TRUE(refused(settings_of(array, 1, options))) << "a range that nobody knows";
  options = {};
  options.mask = {1, 1};
  EXPECT_TRUE(refused(settings_of(array, 1, options)));
  SeriesSettings settings = settings_of(array, 1);
  settings.frames_per_chunk = 0;
  EXPECT_TRUE(refused(settings));
  settings = settings_of(array, 1);
  settings.frames_per_chunk = std::size_t{1} << 20;
  EXPECT_TRUE(refused(settings)) << "chunks over 1 GiB";
  settings = settings_of(array, 1);
  settings.frame = Shape{40, 0};
  EXPECT_TRUE(refused(settings));
  settings.frame = Shape{1, 2, 1, 2, 1, 2};
  EXPECT_TRUE(refused(settings));
  settings.frame = Shape{50};
  settings.options.mask.assign(50, 1);
  EXPECT_TRUE(refused(settings));
  EXPECT_EQ(pieces, 0u);
}

TEST(Series, AfterTheEndNothingIsTaken) {
  const Array array = photons(1);
  Bytes file;
  auto encoder = SeriesEncoder::create(settings_of(array, 1), into(file));
  ASSERT_TRUE(encoder.ok() && encoder->push(array.view()[0]).ok() && encoder->finish().ok());
  EXPECT_EQ(encoder->push(array.view()[0]).error().code, Errc::usage);
  EXPECT_FALSE(encoder->finish().ok());
  EXPECT_EQ(file, *compress(array.view(), {}));
}

TEST(Series, AnEncoderMayBeDroppedHalfWay) {
  const Array array = photons(30);
  for (int i = 0; i < 20; ++i) {
    Bytes file;
    auto encoder = SeriesEncoder::create(settings_of(array, 4), into(file));
    ASSERT_TRUE(encoder.ok());
    for (int k = 0; k <= i; ++k) ASSERT_TRUE(encoder->push(array.view()[k]).ok());
    EXPECT_FALSE(decompress(file).ok());
  }
}

TEST(Series, TheRangeOfTheWholeMayBeGatheredFrameByFrame) {
  const Array array = photons(6, DType::f32);
  CompressOptions options;
  options.bound.kind = Bound::Kind::rel;
  options.bound.value = 0.01;
  EXPECT_TRUE(needs_range(options));
  ValueRange range;
  for (std::size_t i = 0; i < 6; ++i) range.add(array.view()[i]);
  const CompressOptions settled = with_ranges(options, range);
  EXPECT_FALSE(needs_range(settled));
  EXPECT_EQ(settled.bound, with_ranges(options, array.view()).bound);
  CompressOptions by_frame = options;
  by_frame.chunk = array.view().shape;
  by_frame.chunk[0] = 1;
  EXPECT_EQ(encode(array, settings_of(array, 2, settled)), *compress(array.view(), by_frame));
  EXPECT_EQ(with_ranges(options, ValueRange{}).bound, Bound::lossless());
}

}  // namespace
}  // namespace etalon
