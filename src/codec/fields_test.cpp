// Floats of all ranks through the fields engine.
#include "codec/fields.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "codec/field_loops.hpp"
#include "codec/lattice.hpp"
#include "codec/patterns_test.hpp"
#include "etalon/backend.hpp"

namespace etalon {
namespace {

template <typename T>
double largest_of(std::span<const T> values) {
  return static_cast<double>(codec::magnitudes(values.data(), values.size()).largest);
}

using namespace codec;

FieldEffort effort(bool thorough) {
  return {
      .thorough = [=](const FieldsStream&) { return thorough ? Thorough::always : Thorough::no; }};
}

template <typename T>
void expect_round_trip(const Array& a, double bound, bool thorough) {
  CountsLayout layout;
  layout.grid = grid_of(a.view().shape, 1);
  layout.bounds = {0};
  const auto values = a.view().as<T>();
  const auto coded = encode_fields<T>(values, a.view().shape, layout, {bound}, largest_of(values),
                                      effort(thorough));
  ASSERT_TRUE(coded);
  std::vector<T> out(values.size());
  CountsLayout read;
  read.grid = layout.grid;
  const auto done =
      decode_fields<T>({coded->side, coded->symbols, coded->bits, {}}, coded->exact, a.view().shape,
                       coded->allowance, {bound}, 0, 0, read, std::span<T>(out));
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
  CountsLayout layout;
  layout.grid = grid_of(a.view().shape, 1);
  layout.bounds = {0};
  for (const bool thorough : {false, true}) {
    const auto encode = [&] {
      return *encode_fields<float>(a.view().as<float>(), a.view().shape, layout, {1e-3},
                                   largest_of(a.view().as<float>()), effort(thorough));
    };
    ASSERT_TRUE(set_backend("scalar").ok());
    const FieldsStream wanted = encode();
    for (const auto& backend : backends()) {
      ASSERT_TRUE(set_backend(backend).ok());
      const FieldsStream got = encode();
      EXPECT_TRUE(got.side == wanted.side && got.symbols == wanted.symbols &&
                  got.bits == wanted.bits && got.exact == wanted.exact)
          << backend;
      expect_round_trip<float>(a, 1e-3, thorough);
    }
    ASSERT_TRUE(set_backend("auto").ok());
  }
}

TEST(Fields, RegionsHaveBoundsOfTheirOwn) {
  Array a = waves<float>(Shape{6, 50, 70}, 0.05, 5);
  constexpr std::size_t plane = 50 * 70;
  const auto values = a.as<float>();
  values[1000] = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t i = 7000; i < 7400; ++i) values[i] = std::numeric_limits<float>::infinity();
  CountsLayout layout;
  layout.grid = grid_of(a.view().shape, 3);
  layout.bounds = {0, 0, 0};
  layout.regions = {{10, 20, 10, 40, 1}, {30, 5, 3, 4, 2}};  // the second keeps its bits
  layout.fills = {{40, 60, 2, 9, 1}};
  // Under a fill: what would be exact, and what would take raw bits.
  values[40 * 70 + 61] = std::numeric_limits<float>::quiet_NaN();
  values[plane + 41 * 70 + 62] = 1000;
  std::vector<std::uint8_t> label(plane);
  for_each_row(layout.regions, 70, [&](std::size_t at, std::size_t n, std::uint8_t l) {
    std::memset(label.data() + at, l, n);
  });
  std::vector<bool> filled(values.size());
  for_each_row(layout.fills, 70, [&](std::size_t at, std::size_t n, std::uint8_t) {
    std::fill_n(filled.begin() + static_cast<std::ptrdiff_t>(at), n, true);
  });
  const Tolerances tolerances = {0.3, 1e-4, 0};
  for (const bool thorough : {false, true}) {
    const auto coded =
        encode_fields<float>(a.view().as<float>(), a.view().shape, layout, tolerances,
                             largest_of(a.view().as<float>()), effort(thorough));
    ASSERT_TRUE(coded);
    EXPECT_LE(coded->label_max_error[1], 1e-4);
    EXPECT_GT(coded->label_bits[1], 800);
    CountsLayout read;
    read.grid = layout.grid;
    std::vector<float> out(values.size());
    const auto done = decode_fields<float>({coded->side, coded->symbols, coded->bits, {}},
                                           coded->exact, a.view().shape, coded->allowance,
                                           tolerances, 1, 0, read, std::span<float>(out));
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(read.regions, layout.regions);
    EXPECT_EQ(read.fills, layout.fills);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (filled[i]) continue;
      const double tolerance = tolerances[label[i % plane]];
      if (special(values[i]) || tolerance == 0)
        ASSERT_EQ(std::memcmp(&values[i], &out[i], 4), 0) << i;
      else
        ASSERT_LE(distance(values[i], out[i]), tolerance) << i;
    }
  }
}

TEST(Fields, DamageIsAnErrorOrBringsSomething) {
  std::mt19937_64 rng(11);
  for (const Shape& shape : {Shape{12, 13, 14}, Shape{40, 30, 33}})
    for (const bool thorough : {false, true}) {
      const Array a = waves<float>(shape, 0.05, 6);
      CountsLayout layout;
      layout.grid = grid_of(shape, 1);
      layout.bounds = {0};
      const auto coded = encode_fields<float>(a.view().as<float>(), shape, layout, {1e-3},
                                              largest_of(a.view().as<float>()), effort(thorough));
      ASSERT_TRUE(coded);
      std::size_t refused = 0;
      for (int round = 0; round < 200; ++round) {
        Bytes side = coded->side, symbols = coded->symbols;
        Bytes& target = round % 2 ? side : symbols;
        target[rng() % target.size()] ^= static_cast<std::byte>(1u << rng() % 8);
        if (round % 7 == 0) target.resize(rng() % target.size());
        CountsLayout read;
        read.grid = layout.grid;
        std::vector<float> out(a.count());
        const auto done =
            decode_fields<float>({side, symbols, coded->bits, {}}, coded->exact, shape,
                                 coded->allowance, {1e-3}, 0, 0, read, std::span<float>(out));
        EXPECT_TRUE(done.ok() || done.error().code == Errc::malformed);
        refused += !done.ok();
      }
      EXPECT_GT(refused, 0u);
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

}  // namespace
}  // namespace etalon
