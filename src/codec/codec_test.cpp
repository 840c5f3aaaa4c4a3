// Round trips over adversarial arrays: every type, rank, engine and bound.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "codec/patterns_test.hpp"
#include "etalon/backend.hpp"
#include "etalon/codec.hpp"
#include "etalon/regions.hpp"
#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

void expect_within(const ArrayView& a, const ArrayView& b, const CompressOptions& options) {
  ASSERT_EQ(a.dtype, b.dtype);
  ASSERT_EQ(a.shape, b.shape);
  visit(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = a.as<T>(), y = b.as<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      Bound bound = options.bound;
      for (const Region& r : options.regions)
        if (r.where[i % r.where.size()]) bound = r.bound;
      const double tolerance = bound.tolerance(static_cast<double>(x[i]));
      if (tolerance == 0 || special(x[i])) {
        ASSERT_EQ(std::memcmp(&x[i], &y[i], sizeof(T)), 0)
            << i << ": " << +x[i] << " became " << +y[i];
      } else {
        ASSERT_LE(distance(x[i], y[i]), tolerance) << i << ": " << +x[i] << " became " << +y[i];
      }
    }
  });
}

void round_trip(const ArrayView& a, const CompressOptions& options) {
  auto chunk = encode_chunk(a, options);
  ASSERT_TRUE(chunk.ok()) << chunk.error().message;
  auto back = decode_chunk(*chunk);
  ASSERT_TRUE(back.ok()) << back.error().message;
  expect_within(a, back->view(), options);
  auto info = inspect_chunk(*chunk);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(info->regions.size(), options.regions.size() + 1);
  std::uint64_t elements = 0;
  for (const RegionInfo& r : info->regions) {
    elements += r.elements;
    EXPECT_LE(r.max_error, r.bound.value);
  }
  EXPECT_EQ(elements, a.count());
}

class EveryType : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, EveryType, testing::ValuesIn(all_types),
                         [](const auto& i) { return std::string(name_of(i.param)); });

const Shape shapes[] = {Shape{},
                        Shape{0},
                        Shape{1},
                        Shape{7},
                        Shape{5000},
                        Shape{3, 0, 4},
                        Shape{1, 1},
                        Shape{70, 90},
                        Shape{3, 1030},
                        Shape{2000, 3},
                        Shape{4, 33, 65},
                        Shape{40, 2, 3},
                        Shape{2, 3, 70, 80},
                        Shape{2, 1, 2, 17, 31},
                        Shape{1, 2, 1, 3, 20, 30}};

TEST_P(EveryType, RoundTripsWithinBounds) {
  std::mt19937_64 rng(11);
  for (const Shape& shape : shapes)
    for (int p = 0; p < static_cast<int>(Pattern::last); ++p)
      for (const Bound& bound :
           {Bound::lossless(), Bound::abs(0), Bound::abs(0.4), Bound::abs(1), Bound::abs(3.7),
            Bound::abs(1e9), Bound::rel(0.01, -5, 250), Bound::pwrel(1e-5), Bound::pwrel(0.1),
            Bound::pwrel(0.9), Bound::sigma(1), Bound::sigma(0.3, 2.5, 4), Bound::sigma(3, 1, 0.5),
            Bound::sigma(1, 0, 2), Bound::sigma(1e9, 1e300, 1e300)}) {
        const Array a = visit(GetParam(), [&](auto zero) {
          return make<decltype(zero)>(static_cast<Pattern>(p), shape, rng);
        });
        SCOPED_TRACE(to_string(shape) + " pattern " + std::to_string(p) + " " + to_string(bound));
        CompressOptions options;
        options.bound = bound;
        round_trip(a.view(), options);
        if (HasFatalFailure()) return;
      }
}

TEST_P(EveryType, RegionsKeepTheirOwnBounds) {
  std::mt19937_64 rng(12);
  for (const Shape& shape : {Shape{70, 90}, Shape{3, 40, 33}, Shape{200}})
    for (int p = 0; p < static_cast<int>(Pattern::last); ++p) {
      const Array a = visit(GetParam(), [&](auto zero) {
        return make<decltype(zero)>(static_cast<Pattern>(p), shape, rng);
      });
      const std::size_t nx = shape[shape.rank() - 1];
      const std::size_t plane = shape.rank() > 1 ? nx * shape[shape.rank() - 2] : nx;
      CompressOptions options;
      options.bound = Bound::abs(2);
      for (const Bound& b : {Bound::lossless(), Bound::abs(0.75), Bound::abs(20),
                             Bound::pwrel(0.05), Bound::sigma(2, 1, 1)}) {
        Region r{"box", b, std::vector<std::uint8_t>(plane)};
        for (auto& w : r.where) w = rng() % 7 == 0;
        std::fill(r.where.begin() + static_cast<std::ptrdiff_t>(plane / 3),
                  r.where.begin() + static_cast<std::ptrdiff_t>(plane / 2), std::uint8_t{1});
        options.regions.push_back(std::move(r));
      }
      options.mask.assign(plane, 1);
      options.mask[plane / 2] = 0;
      SCOPED_TRACE(to_string(shape) + " pattern " + std::to_string(p));
      round_trip(a.view(), options);
      if (HasFatalFailure()) return;
    }
}

TEST_P(EveryType, ContainersTakeAnyChunkShapeAndThreadCount) {
  std::mt19937_64 rng(13);
  const Shape shape{5, 37, 41};
  const Array a = visit(
      GetParam(), [&](auto zero) { return make<decltype(zero)>(Pattern::counts, shape, rng); });
  for (const Shape& chunk : {Shape{}, Shape{5, 37, 41}, Shape{2, 37, 41}, Shape{3, 10, 16},
                             Shape{1, 10, 41}, Shape{1, 1, 16}}) {
    CompressOptions options;
    options.bound = Bound::abs(1);
    options.chunk = chunk;
    const auto one = compress(a.view(), options);
    ASSERT_TRUE(one.ok()) << one.error().message;
    options.threads = 3;
    const auto three = compress(a.view(), options);
    ASSERT_TRUE(three.ok());
    EXPECT_EQ(*one, *three) << "bytes depend on the thread count";
    const auto back = decompress(*one, 2);
    ASSERT_TRUE(back.ok()) << back.error().message;
    expect_within(a.view(), back->view(), options);
    Array into(GetParam(), shape);
    const auto done = decompress_into(*one, into.mutable_view(), 2);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(std::memcmp(into.view().data, back->view().data, back->view().size_bytes()), 0);
    Array other(GetParam(), {5, 37, 40});
    EXPECT_EQ(decompress_into(*one, other.mutable_view()).error().code, Errc::usage);
    const auto box = decompress_box(*one, Box{{{1, 4}, {5, 37}, {0, 17}}});
    ASSERT_TRUE(box.ok()) << box.error().message;
    ASSERT_EQ(box->shape(), (Shape{3, 32, 17}));
    const std::size_t size = size_of(GetParam());
    for (std::size_t f = 0; f < 3; ++f)
      for (std::size_t y = 0; y < 32; ++y)
        ASSERT_EQ(std::memcmp(box->view().data + (f * 32 + y) * 17 * size,
                              back->view().data + (((f + 1) * 37 + y + 5) * 41) * size, 17 * size),
                  0);
    const auto info = inspect(*one);
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->raw_bytes, a.view().size_bytes());
    EXPECT_EQ(info->shape, shape);
  }
}

TEST(Codec, BackendsGiveTheSameBytesAndElements) {
  std::mt19937_64 rng(14);
  const Array a = make<std::uint16_t>(Pattern::counts, Shape{2, 300, 311}, rng);
  const Array f = make<float>(Pattern::ramp, Shape{200, 211}, rng);
  const std::string before = backend();
  std::vector<std::vector<std::byte>> first;
  for (const std::string& name : backends()) {
    ASSERT_TRUE(set_backend(name).ok());
    std::vector<std::vector<std::byte>> chunks;
    for (const Array* array : {&a, &f})
      for (const Bound bound : {Bound::lossless(), Bound::abs(2)}) {
        CompressOptions options;
        options.bound = bound;
        auto chunk = encode_chunk(array->view(), options);
        ASSERT_TRUE(chunk.ok());
        auto back = decode_chunk(*chunk);
        ASSERT_TRUE(back.ok()) << name << ": " << back.error().message;
        expect_within(array->view(), back->view(), options);
        EXPECT_EQ(backend_that_ran(), name);
        const auto bytes = back->view().bytes();
        chunks.push_back(std::move(*chunk));
        chunks.emplace_back(bytes.begin(), bytes.end());
      }
    if (first.empty()) first = chunks;
    EXPECT_EQ(first, chunks) << name;
  }
  ASSERT_TRUE(set_backend(before).ok());
}

TEST(Codec, DamageIsMalformedAndNeverMore) {
  std::mt19937_64 rng(15);
  const Array a = make<std::uint16_t>(Pattern::counts, Shape{64, 70}, rng);
  const auto whole = compress(a.view(), {});
  ASSERT_TRUE(whole.ok());
  for (std::size_t cut = 0; cut < whole->size(); ++cut) {
    const auto back = decompress(std::span(*whole).first(cut));
    ASSERT_FALSE(back.ok()) << "cut at " << cut;
    EXPECT_EQ(back.error().code, Errc::malformed);
  }
  for (std::size_t i = 0; i < whole->size(); ++i) {
    auto bytes = *whole;
    bytes[i] ^= std::byte{0x10};
    const auto back = decompress(bytes);
    ASSERT_FALSE(back.ok()) << "flipped " << i;
    EXPECT_EQ(back.error().code, Errc::malformed) << back.error().message;
  }
}

TEST(Codec, BinsEndWhereTheTypeDoes) {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    Array a(DTypeOf<T>::value, Shape{40, 50});
    const auto v = a.as<T>();
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = static_cast<T>(std::numeric_limits<T>::max() - static_cast<T>(i * 7919 % 50));
    for (const double bound : {1.0, 2.0, 30.0, 4294967295.0}) {
      CompressOptions options;
      options.bound = Bound::abs(bound);
      round_trip(a.view(), options);
      options.regions.push_back({"box", Bound::abs(3), std::vector<std::uint8_t>(v.size(), 0)});
      std::fill_n(options.regions[0].where.begin() + 900, 500, std::uint8_t{1});
      round_trip(a.view(), options);
    }
  };
  check(std::uint64_t{});
  check(std::int64_t{});
  check(std::uint32_t{});
}

TEST(Codec, FillsLieInTheLastOfAllRegions) {
  Array a(DType::u16, Shape{64, 70});
  const auto v = a.as<std::uint16_t>();
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = static_cast<std::uint16_t>(i >= v.size() / 2 ? 65535 : i * 7919 % 5);
  CompressOptions options;
  options.bound = Bound::abs(1);
  for (int r = 0; r < 15; ++r)
    options.regions.push_back({"box", Bound::abs(2), std::vector<std::uint8_t>(v.size(), 1)});
  round_trip(a.view(), options);
}

// The one number that escapes is the least that can: the adaptive coder then leaves no bytes.
TEST(Codec, AnEscapeMayTakeNoBytes) {
  for (std::size_t n = 20; n < 120; ++n) {
    Array a(DType::u32, {64, 64});
    const auto x = a.as<std::uint32_t>();
    CompressOptions options;
    Region bright{"bright", Bound::abs(0.5), std::vector<std::uint8_t>(64 * 64)};
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = 700 + (i / 8) * 64 + i % 8;
      x[at] = static_cast<std::uint32_t>(160 + i * 11 % 32);
      bright.where[at] = 1;
    }
    x[700] = 192;
    options.regions.push_back(bright);
    round_trip(a.view(), options);
  }
}

TEST(Codec, NoElementsHoweverLongTheOtherAxes) {
  const std::size_t half = std::size_t{1} << 40;
  for (const Shape& shape : {Shape{half, half, 0}, Shape{0, half, half}, Shape{half, 0, half},
                             Shape{0}, Shape{2, 0, 3, 1, 5, 7}}) {
    SCOPED_TRACE(to_string(shape));
    const auto whole = compress(Array(DType::f32, shape).view(), {});
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    const auto back = decompress(*whole);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->shape(), shape);
    EXPECT_EQ(back->dtype(), DType::f32);
    EXPECT_TRUE(inspect(*whole).ok());
  }
}

TEST(Codec, SenselessOptionsAreRefused) {
  const Array a(DType::u16, Shape{4, 5});
  const auto code = [&](const CompressOptions& o) {
    const auto r = compress(a.view(), o);
    return r.ok() ? 0 : exit_code(r.error().code);
  };
  CompressOptions o;
  o.bound = Bound::abs(-1);
  EXPECT_EQ(code(o), 2);
  o.bound = Bound::abs(NAN);
  EXPECT_EQ(code(o), 2);
  o = {};
  o.mask = {1, 1};
  EXPECT_EQ(code(o), 2);
  o = {};
  o.regions.push_back({"box", {}, {1}});
  EXPECT_EQ(code(o), 2);
  o = {};
  o.chunk = Shape{4};
  EXPECT_EQ(code(o), 2);
  o.chunk = Shape{0, 5};
  EXPECT_EQ(code(o), 2);
  EXPECT_EQ(code({}), 0);
}

TEST(Codec, WriterMakesWhatDecompressReads) {
  std::mt19937_64 rng(16);
  const Array a = make<std::uint16_t>(Pattern::counts, Shape{3, 20, 30}, rng);
  auto writer = ContainerWriter::create(DType::u16, Shape{1, 20, 30}, Bound::lossless());
  ASSERT_TRUE(writer.ok());
  std::vector<std::byte> file = writer->header();
  for (std::size_t i = 0; i < 3; ++i) {
    ArrayView frame = a.view()[i];
    frame.shape = Shape{1, 20, 30};
    auto bytes = writer->chunk(*encode_chunk(frame, {}));
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    file.insert(file.end(), bytes->begin(), bytes->end());
  }
  const auto tail = writer->finish();
  file.insert(file.end(), tail.begin(), tail.end());
  const auto back = decompress(file);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_TRUE(
      std::equal(a.view().bytes().begin(), a.view().bytes().end(), back->view().bytes().begin()));
  CompressOptions by_image;
  by_image.chunk = Shape{1, 20, 30};
  EXPECT_EQ(file, *compress(a.view(), by_image));
  EXPECT_FALSE(writer->chunk(*encode_chunk(a.view(), {})).ok());
}

// Gaps make a value common, yet what lies outside them is rare: each costs about its place.
TEST(Codec, DeadPixelsBesideGapsCostTheirPlaces) {
  constexpr std::size_t side = 1024, dead = 400;
  Array a(DType::u16, {side, side});
  const auto x = a.as<std::uint16_t>();
  std::fill_n(x.begin() + 500 * side, 40 * side, std::uint16_t{65535});
  std::mt19937 random(3);
  for (std::size_t k = 0; k < dead; ++k) x[random() % x.size()] = 65535;
  round_trip(a.view(), {});
  EXPECT_LT(encode_chunk(a.view(), {}).value().size(), dead * 5 / 2);
}

TEST(Codec, ConstantsAreNearlyFreeYetPlausible) {
  const Array a(DType::u8, Shape{100, 1000, 1000});
  const auto chunk = encode_chunk(a.view(), {});
  ASSERT_TRUE(chunk.ok());
  EXPECT_LT(chunk->size(), 7000u);
  ASSERT_TRUE(decode_chunk(*chunk).ok());
}

}  // namespace
}  // namespace etalon
