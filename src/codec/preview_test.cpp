#include "codec/preview.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>

#include "codec/boxes.hpp"
#include "codec/container_pieces.hpp"
#include "codec/patterns_test.hpp"

namespace etalon::codec {
namespace {

Bytes every(const Array& whole, const Shape& first, std::size_t step) {
  Shape extent = whole.shape();
  for (std::size_t axis = 0; axis < extent.rank(); ++axis)
    extent[axis] = previewed(extent[axis], first[axis], step);
  Bytes out(extent.count() * size_of(whole.dtype()));
  copy_steps(whole.view().data, whole.shape(), first, step, out.data(), extent,
             size_of(whole.dtype()));
  return out;
}

void same_as_whole(const Bytes& chunk, const std::string& what) {
  const auto whole = decode_chunk(chunk);
  ASSERT_TRUE(whole.ok()) << what << whole.error().message;
  std::mt19937 random(3);
  for (const std::size_t step : {1, 2, 3, 4, 6, 8, 16, 1000})
    for (const bool shifted : {false, true}) {
      Shape first = zeros(whole->shape().rank());
      for (std::size_t axis = 0; shifted && axis < first.rank(); ++axis)
        first[axis] = std::min(whole->shape()[axis] - 1, random() % step * (axis == 0 ? 1 : 2));
      const auto preview = preview_chunk(chunk, first, step);
      ASSERT_TRUE(preview.ok()) << what << preview.error().message;
      const auto bytes = preview->view().bytes();
      ASSERT_TRUE(Bytes(bytes.begin(), bytes.end()) == every(*whole, first, step))
          << what << " of " << to_string(whole->shape()) << ", every " << step;
    }
}

TEST(CopySteps, TakesWhatNumpyTakes) {
  Array a(DType::i32, {5, 4, 7});
  for (std::size_t i = 0; i < a.count(); ++i)
    a.as<std::int32_t>()[i] = static_cast<std::int32_t>(i);
  const Bytes got = every(a, {1, 0, 2}, 3);  // [1::3, ::3, 2::3]
  const std::int32_t wanted[] = {30, 33, 51, 54, 114, 117, 135, 138};
  ASSERT_EQ(got.size(), sizeof wanted);
  EXPECT_EQ(std::memcmp(got.data(), wanted, sizeof wanted), 0);
}

TEST(Preview, IsEveryNthElementOfAField) {
  const Shape shapes[] = {
      {},          {1},          {3000},        {61, 84},          {1, 90},
      {23, 1, 50}, {20, 31, 26}, {9, 8, 7, 13}, {33, 2, 2, 5, 11}, {5, 4, 6, 3, 7, 5}};
  std::size_t fields = 0;
  for (const Shape& shape : shapes)
    for (const int level : {3, 9}) {
      Array a = waves<float>(shape, 0.02, 7);
      if (a.count() > 2000) {
        a.as<float>()[1000] = std::numeric_limits<float>::quiet_NaN();
        a.as<float>()[1500] = -0.0F;
      }
      CompressOptions options;
      options.bound = Bound::abs(1e-2);
      options.level = level;
      const auto chunk = encode_chunk(a.view(), options);
      ASSERT_TRUE(chunk.ok()) << chunk.error().message;
      fields += parse_chunk(*chunk)->head.engine == Engine::fields;
      same_as_whole(*chunk, "field");
    }
  EXPECT_GE(fields, 12u);
}

TEST(Preview, KnowsRegionsAndFills) {
  Array a = waves<double>(Shape{6, 50, 70}, 0.05, 5);
  for (std::size_t plane = 0; plane < 6; ++plane)
    for (std::size_t i = 700; i < 1400; ++i)
      a.as<double>()[plane * 3500 + i] = std::numeric_limits<double>::infinity();
  a.as<double>()[9000] = -std::numeric_limits<double>::infinity();
  CompressOptions options;
  options.bound = Bound::abs(0.3);
  Region tight{"box", Bound::abs(1e-4), std::vector<std::uint8_t>(50 * 70)};
  Region kept{"mask", Bound::lossless(), std::vector<std::uint8_t>(50 * 70)};
  for (std::size_t i = 1500; i < 1900; ++i) tight.where[i] = 1;
  for (std::size_t i = 3000; i < 3100; ++i) kept.where[i] = 1;
  options.regions = {tight, kept};
  for (const int level : {3, 9}) {
    options.level = level;
    const auto chunk = encode_chunk(a.view(), options);
    ASSERT_TRUE(chunk.ok()) << chunk.error().message;
    ASSERT_EQ(parse_chunk(*chunk)->head.engine, Engine::fields);
    EXPECT_FALSE(parse_chunk(*chunk)->head.fills.empty());
    same_as_whole(*chunk, "regions");
  }
}

TEST(Preview, WorksOnEveryEngine) {
  std::mt19937 random(9);
  std::map<Engine, int> met;
  for (const DType dtype :
       {DType::u8, DType::u16, DType::i32, DType::u64, DType::i64, DType::f32, DType::f64})
    for (const char* bound : {"lossless", "abs:2", "pwrel:0.1", "sigma:1"})
      for (const int level : {1, 5})
        for (const bool dither : {false, true}) {
          Array a(dtype, {3, 20, 37});
          visit(dtype, [&](auto zero) {
            using T = decltype(zero);
            std::poisson_distribution<int> photons(4);
            for (auto& v : a.as<T>()) v = static_cast<T>(photons(random));
          });
          CompressOptions options;
          options.bound = *parse_bound(bound);
          options.level = level;
          options.dither = dither;
          const auto chunk = encode_chunk(a.view(), options);
          if (!chunk.ok()) continue;  // dither does not go with all of them
          ++met[parse_chunk(*chunk)->head.engine];
          same_as_whole(*chunk, bound);
        }
  EXPECT_GE(met.size(), 7u);
}

TEST(Preview, OfAContainerIsThatOfTheArray) {
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    const std::size_t rank = round % 7;
    Shape shape = zeros(rank), chunk = shape, first = shape;
    Box box;
    for (std::size_t i = 0; i < rank; ++i) {
      shape[i] = 1 + random() % (rank < 3 ? 40 : 9);
      chunk[i] = 1 + random() % (shape[i] + 1);
      const std::size_t begin = random() % shape[i];
      box.axes.push_back({begin, begin + random() % (shape[i] - begin + 1)});
    }
    const std::size_t step = 1 + random() % 6;
    const Array a = waves<float>(shape, 0.05, static_cast<unsigned>(round));
    CompressOptions options;
    options.bound = Bound::abs(0.01);
    options.chunk = chunk;
    const auto container = compress(a.view(), options);
    ASSERT_TRUE(container.ok());
    const auto index = parse_container(*container);
    for (const bool boxed : {false, true}) {
      const auto pieces = ContainerPieces::create(*index, boxed ? &box : nullptr, step);
      ASSERT_TRUE(pieces.ok());
      Bytes all;
      for (std::size_t i = 0; i < pieces->count(); ++i) {
        const auto piece = pieces->piece(i);
        std::vector<Bytes> chunks;
        for (const std::size_t c : piece.chunks) {
          const auto* at = container->data() + index->chunks[c].offset;
          chunks.emplace_back(at, at + index->chunks[c].size);
        }
        const auto part = pieces->decode(piece, chunks);
        ASSERT_TRUE(part.ok()) << part.error().message;
        ASSERT_EQ(part->shape(), piece.extent);
        all.insert(all.end(), part->view().bytes().begin(), part->view().bytes().end());
      }
      const auto whole = boxed ? decompress_box(*container, box) : decompress(*container);
      ASSERT_TRUE(whole.ok());
      ASSERT_TRUE(all == every(*whole, first, step))
          << to_string(shape) << " in " << to_string(chunk) << ", every " << step;
    }
  }
}

TEST(Preview, RefusesWhatLiesOutside) {
  const auto chunk = encode_chunk(waves<float>(Shape{4, 5}, 0, 1).view(), {});
  EXPECT_EQ(preview_chunk(*chunk, {0, 5}, 2).error().code, Errc::usage);
  EXPECT_EQ(preview_chunk(*chunk, {0}, 2).error().code, Errc::usage);
  EXPECT_EQ(preview_chunk(*chunk, {0, 0}, 0).error().code, Errc::usage);
  EXPECT_EQ(preview_chunk(Bytes(20), {0, 0}, 2).error().code, Errc::malformed);
}

}  // namespace
}  // namespace etalon::codec
