// Regions over whole chunks and arrays, not over (y, x) alone.
#include <gtest/gtest.h>

#include "codec/chunk_format.hpp"
#include "codec/chunk_labels.hpp"
#include "codec/patterns_test.hpp"
#include "etalon/series.hpp"

namespace etalon {
namespace {

using namespace codec;

// Runs of elements, a seventh of all.
Region runs(const Shape& shape, const Bound& bound, std::size_t seed) {
  Region r{"runs", bound, std::vector<std::uint8_t>(shape.count())};
  for (std::size_t i = 0; i < r.where.size(); ++i) r.where[i] = (i / 13 * 31 + seed) % 7 == 0;
  return r;
}

template <typename T>
void check(const Array& a, const Array& back, const Bound& inside, const Bound& outside,
           const Region& region, bool changes, const std::string& what) {
  std::size_t changed = 0;
  for (std::size_t i = 0; i < a.count(); ++i) {
    const T x = a.view().as<T>()[i], y = back.view().as<T>()[i];
    const Bound& bound = region.where[i] != 0 ? inside : outside;
    if (special(x) || bound.kind == Bound::Kind::lossless)
      ASSERT_EQ(std::memcmp(&x, &y, sizeof x), 0) << what << i;
    else
      ASSERT_LE(distance(x, y), bound.tolerance(static_cast<double>(x))) << what << i;
    changed += x != y;
  }
  // Integers of 64 bits keep bounds that grow with the value by being exact.
  if (changes && (sizeof(T) < 8 || outside.kind == Bound::Kind::abs)) {
    EXPECT_GT(changed, 0u) << what;
  }
}

template <typename T>
void every_engine(std::mt19937_64& rng) {
  const Shape shape{7, 40, 30};
  for (const Pattern pattern : {Pattern::counts, Pattern::walk, Pattern::special}) {
    const Array a = make<T>(pattern, shape, rng);
    for (const Bound& outside : {Bound::abs(3), Bound::sigma(2, 1, 1)}) {
      CompressOptions options;
      options.bound = outside;
      const Region region = runs(shape, Bound::lossless(), 3);
      options.regions = {region};
      const auto chunk = encode_chunk(a.view(), options);
      ASSERT_TRUE(chunk.ok()) << chunk.error().message;
      const auto back = decode_chunk(*chunk);
      ASSERT_TRUE(back.ok()) << back.error().message;
      check<T>(a, *back, Bound::lossless(), outside, region, pattern == Pattern::counts,
               std::string(name_of(a.dtype())));
      const auto labels = chunk_labels(*chunk);
      ASSERT_TRUE(labels.ok());
      if (!labels->labels.empty()) {
        EXPECT_EQ(labels->labels, region.where);
      }
      EXPECT_EQ(labels->regions[1].elements,
                static_cast<std::uint64_t>(
                    std::count(region.where.begin(), region.where.end(), std::uint8_t{1})));
    }
  }
}

TEST(WholeRegions, EveryTypeHoldsItsBounds) {
  std::mt19937_64 rng(11);
  every_engine<std::uint8_t>(rng);
  every_engine<std::uint16_t>(rng);
  every_engine<std::uint32_t>(rng);
  every_engine<std::int16_t>(rng);
  every_engine<std::int32_t>(rng);
  every_engine<std::int64_t>(rng);
  every_engine<float>(rng);
  every_engine<double>(rng);
}

// Chunks of an array have their own parts of a region over all of it; one over (y, x) is cut with
// the images. Later ones win.
TEST(WholeRegions, ArraysAreCutWithTheirRegions) {
  const Shape shape{9, 40, 50};
  const Array a = waves<float>(shape, 0.05, 5);
  CompressOptions options;
  options.bound = Bound::abs(0.5);
  Region box{"box", Bound::abs(0.01), std::vector<std::uint8_t>(2000)};
  for (std::size_t y = 5; y < 30; ++y)
    for (std::size_t x = 15; x < 45; ++x) box.where[y * 50 + x] = 1;
  const Region all = runs(shape, Bound::abs(1e-4), 2);
  Region squares{"peaks", Bound::lossless()};
  squares.half = 2;
  squares.centres = {{0, 0}, {20, 25}, {39, 49}};
  options.regions = {box, all, squares};
  const std::vector<std::uint8_t> spots = squares.members(40, 50);
  for (const Shape& chunk :
       {Shape{9, 40, 50}, Shape{4, 40, 50}, Shape{1, 40, 50}, Shape{4, 16, 20}, Shape{2, 40, 7}}) {
    options.chunk = chunk;
    options.mask.assign(2000, 1);
    const auto file = compress(a.view(), options);
    ASSERT_TRUE(file.ok()) << file.error().message;
    const auto back = decompress(*file);
    ASSERT_TRUE(back.ok());
    std::uint64_t inside = 0;
    for (std::size_t i = 0; i < a.count(); ++i) {
      const float x = a.view().as<float>()[i], y = back->view().as<float>()[i];
      const float bound = spots[i % 2000] != 0       ? 0
                          : all.where[i] != 0        ? 1e-4f
                          : box.where[i % 2000] != 0 ? 0.01f
                                                     : 0.5f;
      ASSERT_LE(std::abs(x - y), bound) << to_string(chunk) << " " << i;
      inside += spots[i % 2000] == 0 && all.where[i] != 0;
    }
    EXPECT_EQ(inspect(*file)->regions[2].elements, inside) << to_string(chunk);
  }
}

// A function of several frames a chunk is the first one's, and gets all of them.
TEST(WholeRegions, SeriesOfChunksOfSeveralFrames) {
  const Shape shape{7, 40, 50};
  const Array a = waves<float>(shape, 0.05, 6);
  const Region all = runs(shape, Bound::abs(1e-4), 4);
  CompressOptions options;
  options.bound = Bound::abs(0.5);
  SeriesSettings settings;
  settings.dtype = DType::f32;
  settings.frame = Shape{40, 50};
  settings.frames_per_chunk = 3;
  settings.options = options;
  for (const unsigned threads : {1u, 3u}) {
    settings.options.threads = threads;
    Bytes file;
    auto encoder = SeriesEncoder::create(settings, [&](std::span<const std::byte> bytes) {
      file.insert(file.end(), bytes.begin(), bytes.end());
      return Result<void>{};
    });
    ASSERT_TRUE(encoder.ok());
    for (std::size_t i = 0; i < 7; ++i)
      ASSERT_TRUE(encoder
                      ->push_with(a.view()[i],
                                  [&, i](const ArrayView& frames) -> Result<CompressOptions> {
                                    CompressOptions own = options;
                                    Region part{"runs", all.bound};
                                    const auto first =
                                        all.where.begin() + static_cast<std::ptrdiff_t>(i * 2000);
                                    part.where.assign(
                                        first, first + static_cast<std::ptrdiff_t>(frames.count()));
                                    own.regions = {part};
                                    return own;
                                  })
                      .ok());
    ASSERT_TRUE(encoder->finish().ok());
    options.regions = {all};
    options.chunk = Shape{3, 40, 50};
    EXPECT_EQ(file, *compress(a.view(), options)) << threads;
    options.regions.clear();
  }
}

TEST(WholeRegions, OfAnotherSizeAreRefused) {
  const Array a(DType::f32, Shape{3, 8, 8});
  for (const std::size_t size : {1u, 63u, 65u, 128u, 193u}) {
    CompressOptions options;
    options.bound = Bound::abs(1);
    options.regions = {{"odd", Bound::lossless(), std::vector<std::uint8_t>(size)}};
    const auto chunk = encode_chunk(a.view(), options);
    ASSERT_FALSE(chunk.ok());
    EXPECT_EQ(chunk.error().code, Errc::usage);
    for (const Shape& shape : {Shape{3, 8, 8}, Shape{1, 8, 8}, Shape{3, 4, 4}}) {
      options.chunk = shape;
      const auto file = compress(a.view(), options);
      ASSERT_FALSE(file.ok()) << size;
      EXPECT_EQ(file.error().code, Errc::usage);
    }
  }
}

}  // namespace
}  // namespace etalon
