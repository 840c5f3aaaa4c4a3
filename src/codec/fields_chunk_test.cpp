// Chunks of floats coded by the fields engine.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <utility>

#include "codec/chunk_format.hpp"
#include "codec/patterns_test.hpp"
#include "etalon/backend.hpp"

namespace etalon {
namespace {

using namespace codec;

TEST(FieldChunks, AreThoseOfEveryBackend) {
  const Array a = waves<float>(Shape{40, 50, 60}, 0.02, 4);
  CompressOptions options;
  options.bound = Bound::abs(1e-3);
  ASSERT_TRUE(set_backend("scalar").ok());
  const auto wanted = encode_chunk(a.view(), options);
  ASSERT_TRUE(wanted.ok());
  EXPECT_EQ(parse_chunk(*wanted)->head.engine, Engine::fields);
  for (const auto& backend : backends()) {
    ASSERT_TRUE(set_backend(backend).ok());
    const auto got = encode_chunk(a.view(), options);
    ASSERT_TRUE(got.ok());
    EXPECT_TRUE(*got == *wanted) << backend;
    const auto decoded = decode_chunk(*got);
    ASSERT_TRUE(decoded.ok());
    for (std::size_t i = 0; i < a.count(); ++i)
      ASSERT_LE(std::abs(decoded->view().as<float>()[i] - a.view().as<float>()[i]), 1e-3f);
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

TEST(FieldChunks, RegionsHaveBoundsOfTheirOwn) {
  Array a = waves<float>(Shape{6, 50, 70}, 0.05, 5);
  a.as<float>()[1000] = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t i = 7000; i < 7400; ++i)
    a.as<float>()[i] = std::numeric_limits<float>::infinity();
  CompressOptions options;
  options.bound = Bound::abs(0.3);
  Region tight{"box", Bound::abs(1e-4), std::vector<std::uint8_t>(50 * 70)};
  Region kept{"mask", Bound::lossless(), std::vector<std::uint8_t>(50 * 70)};
  for (std::size_t y = 10; y < 20; ++y)
    for (std::size_t x = 20; x < 60; ++x) tight.where[y * 70 + x] = 1;
  for (std::size_t y = 30; y < 33; ++y)
    for (std::size_t x = 5; x < 9; ++x) kept.where[y * 70 + x] = 1;
  options.regions = {tight, kept};
  const auto chunk = encode_chunk(a.view(), options);
  ASSERT_TRUE(chunk.ok()) << chunk.error().message;
  ASSERT_EQ(parse_chunk(*chunk)->head.engine, Engine::fields);
  const auto info = inspect_chunk(*chunk);
  ASSERT_TRUE(info.ok());
  EXPECT_LE(info->regions[1].max_error, 1e-4);
  EXPECT_GT(info->regions[1].bytes, 100u);
  const auto decoded = decode_chunk(*chunk);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  const auto in = a.view().as<float>(), out = decoded->view().as<float>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t at = i % (50 * 70);
    if (special(in[i]) || kept.where[at] != 0) {
      ASSERT_EQ(std::memcmp(&in[i], &out[i], 4), 0) << i;
    } else {
      ASSERT_LE(std::abs(double(in[i]) - double(out[i])), tight.where[at] != 0 ? 1e-4 : 0.3) << i;
    }
  }
}

// Integers in floats: below a bound that would keep nearly all of their bits these are exact.
TEST(FieldChunks, FloatsWhoseBitsTakeLessAreExact) {
  for (const std::size_t n : {std::size_t{64}, std::size_t{512}}) {  // whole, and by a sample
    Array a(DType::f32, Shape{n, 512});
    std::mt19937_64 rng(4);
    for (float& v : a.as<float>()) v = static_cast<float>(rng() % 200) * 1024;
    CompressOptions options;
    options.bound = Bound::abs(1e-2);
    const auto chunk = encode_chunk(a.view(), options);
    ASSERT_TRUE(chunk.ok());
    EXPECT_NE(parse_chunk(*chunk)->head.engine, Engine::fields);
    EXPECT_NE(parse_chunk(*chunk)->head.engine, Engine::scaled);
    const auto decoded = decode_chunk(*chunk);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(std::memcmp(decoded->view().data, a.view().data, a.view().size_bytes()), 0);
  }
}

// What a look at a box decides is near what trying every way finds, also where neighbours along
// one axis alone are alike.
// Of the whole chunk, and whether its planes are apart.
std::pair<std::size_t, bool> coded(const Array& a, double bound, int level) {
  CompressOptions options;
  options.bound = Bound::abs(bound);
  options.level = level;
  const auto chunk = encode_chunk(a.view(), options);
  EXPECT_TRUE(chunk.ok());
  return {chunk->size(), parse_chunk(*chunk)->head.planes == Planes::apart};
}

TEST(FieldChunks, SmallPlanesAreApartWhereTheyTellOfTheNext) {
  std::mt19937_64 rng(3);
  Array repeated(DType::f64, Shape{60, 12, 8}), noise(DType::f64, Shape{60, 12, 8});
  for (std::size_t i = 0; i < repeated.count(); ++i) {
    noise.as<double>()[i] = static_cast<double>(rng() % 1000);
    repeated.as<double>()[i] = i < 96 ? static_cast<double>(rng() % 1000)
                                      : repeated.as<double>()[i - 96] + (rng() % 400 == 0 ? 9 : 0);
  }
  const auto joined = coded(repeated, 0.4, default_level - 1);
  const auto apart = coded(repeated, 0.4, default_level);
  EXPECT_FALSE(joined.second);
  EXPECT_TRUE(apart.second);
  EXPECT_LT(apart.first * 2, joined.first);
  EXPECT_FALSE(coded(noise, 0.4, default_level).second);
}

TEST(FieldChunks, TheSlowCoderTakesFieldsOfFewDecisions) {
  const Array a = waves<float>(Shape{40, 41}, 0.02, 7);
  const auto size = [&](double bound, int level) { return coded(a, bound, level).first; };
  // Much to decide: only from level 6 on.
  EXPECT_EQ(size(1e-3, default_level), size(1e-3, default_level - 1));
  EXPECT_LT(size(1e-3, default_level + 1), size(1e-3, default_level));
  // Little.
  EXPECT_LT(size(0.3, default_level), size(0.3, default_level - 1));
}

TEST(FieldChunks, TheLookAtABoxIsNotMistaken) {
  std::mt19937_64 rng(7);
  const auto expect_near = [](const Array& a, double bound, double times) {
    SCOPED_TRACE(to_string(a.view().shape));
    CompressOptions options;
    options.bound = Bound::abs(bound);
    const auto chosen = encode_chunk(a.view(), options);
    options.level = 7;
    const auto every_way = encode_chunk(a.view(), options);
    ASSERT_TRUE(chosen.ok() && every_way.ok());
    EXPECT_LT(static_cast<double>(chosen->size()), times * static_cast<double>(every_way->size()));
  };
  for (const Shape& shape : {Shape{60, 70}, Shape{300, 500}}) {
    expect_near(make<float>(Pattern::walk, shape, rng), 0.5, 1.1);
    expect_near(make<double>(Pattern::walk, shape, rng), 0.5, 1.1);
  }
  for (const Shape& shape : {Shape{200, 200}, Shape{40, 50, 60}, Shape{9, 10, 11, 12, 13}})
    expect_near(waves<float>(shape, 0, 3), 1e-4, 2);  // every way has the slower coder
}

TEST(FieldChunks, AreWholeImagesUpToALimit) {
  EXPECT_EQ(default_chunk(DType::f32, Shape{256, 256, 256}), (Shape{64, 256, 256}));
  EXPECT_EQ(default_chunk(DType::f32, Shape{1000, 512, 512}), (Shape{16, 512, 512}));
  EXPECT_EQ(default_chunk(DType::f32, Shape{9, 4, 3000, 3000}), (Shape{1, 1, 3000, 3000}));
  EXPECT_EQ(default_chunk(DType::f64, Shape{100, 4, 1000, 1000}), (Shape{1, 4, 1000, 1000}));
  EXPECT_EQ(default_chunk(DType::u16, Shape{9, 4, 300, 300}), (Shape{1, 1, 300, 300}));
  EXPECT_EQ(default_chunk(DType::u16, Shape{90, 4, 30, 30}), (Shape{18, 4, 30, 30}));
  EXPECT_EQ(default_chunk(DType::u16, Shape{30, 30}), (Shape{30, 30}));
}

}  // namespace
}  // namespace etalon
