// Floats of all ranks through the fields engine, and what chunks make of it.
#include "codec/fields.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "codec/chunk_format.hpp"
#include "codec/lattice.hpp"
#include "codec/patterns_test.hpp"
#include "etalon/backend.hpp"

namespace etalon {
namespace {

using namespace codec;

template <typename T>
Array waves(const Shape& shape, double noise, std::uint64_t seed) {
  Array a(DTypeOf<T>::value, shape);
  std::mt19937_64 rng(seed);
  std::normal_distribution<double> normal(0, noise);
  const auto out = a.as<T>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    double phase = 0;
    for (std::size_t axis = shape.rank(), rest = i; axis-- > 0; rest /= shape[axis])
      phase += 0.05 * static_cast<double>(axis + 1) * static_cast<double>(rest % shape[axis]);
    out[i] = static_cast<T>(std::sin(phase) + normal(rng));
  }
  return a;
}

template <typename T>
void expect_round_trip(const Array& a, double bound, bool thorough) {
  CountsLayout layout;
  layout.grid = grid_of(a.view().shape, 1);
  layout.bounds = {0};
  const auto values = a.view().as<T>();
  const auto coded = encode_fields<T>(values, a.view().shape, layout, {bound}, thorough);
  ASSERT_TRUE(coded);
  std::vector<T> out(values.size());
  CountsLayout read;
  read.grid = layout.grid;
  const auto done =
      decode_fields<T>({coded->side, coded->symbols, coded->bits, {}}, coded->exact, a.view().shape,
                       coded->allowance, {bound}, 0, read, std::span<T>(out));
  ASSERT_TRUE(done.ok()) << done.error().message;
  double worst = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (special(values[i])) {
      ASSERT_EQ(std::memcmp(&out[i], &values[i], sizeof(T)), 0) << i;
      continue;
    }
    const double e = std::abs(static_cast<double>(out[i]) - static_cast<double>(values[i]));
    ASSERT_LE(e, bound) << i;
    worst = std::max(worst, e);
  }
  EXPECT_LE(coded->label_max_error[0], bound);
  EXPECT_GE(coded->label_max_error[0] * (1 + 1e-6), worst * (1 - 1e-6));
}

TEST(Fields, EveryRankAndOddExtents) {
  for (const Shape& shape :
       {Shape{1}, Shape{2}, Shape{3}, Shape{1000}, Shape{1, 1}, Shape{5, 1, 7}, Shape{33, 65},
        Shape{2, 2, 2}, Shape{17, 18, 19}, Shape{3, 1, 40, 5}, Shape{6, 5, 4, 3, 2},
        Shape{2, 3, 4, 5, 4, 3}, Shape{7, 1, 1, 1, 1, 9}, Shape{9000}, Shape{3, 9001}}) {
    SCOPED_TRACE(to_string(shape));
    for (const double bound : {1e-1, 1e-3, 1e-6})
      for (const bool thorough : {false, true}) {
        expect_round_trip<float>(waves<float>(shape, 0.01, 1), bound, thorough);
        expect_round_trip<double>(waves<double>(shape, 0.01, 2), bound, thorough);
      }
  }
}

TEST(Fields, PatternsKeepTheirBounds) {
  std::mt19937_64 rng(9);
  for (int p = 0; p < static_cast<int>(Pattern::end); ++p)
    for (const Shape& shape : {Shape{700}, Shape{40, 41}, Shape{9, 10, 11}}) {
      SCOPED_TRACE(std::to_string(p) + " " + to_string(shape));
      const auto pattern = static_cast<Pattern>(p);
      for (const double bound : {1e-3, 1.0, 1e30}) {
        expect_round_trip<float>(make<float>(pattern, shape, rng), bound, p % 2 == 0);
        expect_round_trip<double>(make<double>(pattern, shape, rng), bound, p % 2 == 1);
      }
    }
}

TEST(Fields, StreamsAreThoseOfEveryBackend) {
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

TEST(Fields, RegionsHaveBoundsOfTheirOwn) {
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

TEST(Fields, DamageIsAnErrorOrBringsSomething) {
  std::mt19937_64 rng(11);
  for (const Shape& shape : {Shape{12, 13, 14}, Shape{40, 30, 33}}) {
    const Array a = waves<float>(shape, 0.05, 6);
    CompressOptions options;
    options.bound = Bound::abs(1e-3);
    const auto chunk = encode_chunk(a.view(), options);
    ASSERT_TRUE(chunk.ok());
    const auto parts = parse_chunk(*chunk);
    ASSERT_TRUE(parts.ok());
    for (int round = 0; round < 300; ++round) {
      Bytes side(parts->side.begin(), parts->side.end());
      Bytes symbols(parts->symbols.begin(), parts->symbols.end());
      Bytes& target = round % 2 ? side : symbols;
      target[rng() % target.size()] ^= static_cast<std::byte>(1u << rng() % 8);
      if (round % 7 == 0) target.resize(rng() % target.size());
      CountsLayout layout;
      layout.grid = grid_of(shape, 1);
      std::vector<float> out(a.count());
      const auto done =
          decode_fields<float>({side, symbols, parts->bits, {}}, parts->exact, shape,
                               parts->head.allowance, {1e-3}, 0, layout, std::span<float>(out));
      EXPECT_TRUE(done.ok() || done.error().code == Errc::malformed);
    }
  }
}

TEST(Lattice, ClassesHoldEveryElementOnce) {
  for (const Shape& shape :
       {Shape{1}, Shape{9}, Shape{8, 3}, Shape{5, 6, 7}, Shape{2, 2, 2, 2, 2, 2}}) {
    const auto levels = levels_of(shape);
    std::size_t n = 1;
    for (std::size_t level = 0; level + 1 < levels.size(); ++level)
      for (const unsigned cls : class_order(levels[level].rank))
        if (levels[level].holds(cls))
          n += levels[level].row_count(cls) * levels[level].row_length(cls);
    EXPECT_EQ(n, shape.count()) << to_string(shape);
  }
}

TEST(Chunks, OfFloatsAreWholeImagesUpToALimit) {
  EXPECT_EQ(default_chunk(DType::f32, Shape{256, 256, 256}), (Shape{256, 256, 256}));
  EXPECT_EQ(default_chunk(DType::f32, Shape{1000, 512, 512}), (Shape{64, 512, 512}));
  EXPECT_EQ(default_chunk(DType::f32, Shape{9, 4, 3000, 3000}), (Shape{1, 1, 3000, 3000}));
  EXPECT_EQ(default_chunk(DType::f64, Shape{100, 4, 1000, 1000}), (Shape{4, 4, 1000, 1000}));
  EXPECT_EQ(default_chunk(DType::u16, Shape{9, 4, 30, 30}), (Shape{1, 1, 30, 30}));
  EXPECT_EQ(default_chunk(DType::u16, Shape{30, 30}), (Shape{30, 30}));
}

}  // namespace
}  // namespace etalon
