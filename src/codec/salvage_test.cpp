// Containers with damage of every kind give back what is whole, in its place.
#include "etalon/salvage.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "codec/container_format.hpp"
#include "codec/patterns_test.hpp"
#include "etalon/codec.hpp"

namespace etalon {
namespace {

using namespace codec;

constexpr std::size_t frames = 9, plane = 40 * 50;

struct Sample {
  Array array;
  Bytes bytes;
  ContainerIndex index;
};

template <typename T>
Sample sample(Shape chunk = {}) {
  std::mt19937_64 rng(5);
  Sample s{make<T>(Pattern::counts, Shape{frames, 40, 50}, rng), {}, {}};
  CompressOptions options;
  options.chunk = chunk.rank() == 0 ? Shape{1, 40, 50} : chunk;
  s.bytes = compress(s.array.view(), options).value();
  s.index = parse_container(s.bytes).value();
  return s;
}

// Frames `first` to `end` of both are equal.
template <typename T>
void expect_equal(const Array& got, std::size_t at, const Array& wanted, std::size_t from,
                  std::size_t count) {
  EXPECT_EQ(std::memcmp(got.as<T>().data() + at * plane, wanted.as<T>().data() + from * plane,
                        count * plane * sizeof(T)),
            0);
}

TEST(Salvage, WholeContainersComeBackWhole) {
  const Sample s = sample<std::uint16_t>();
  const auto found = salvage(s.bytes);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->whole(), frames);
  EXPECT_TRUE(found->damage.empty());
  expect_equal<std::uint16_t>(found->array, 0, s.array, 0, frames);
}

TEST(Salvage, ADamagedChunkIsEmptyAndTheOthersAreInPlace) {
  Sample s = sample<float>();
  s.bytes[s.index.chunks[3].offset + s.index.chunks[3].size / 2] ^= std::byte{4};
  EXPECT_FALSE(decompress(s.bytes).ok());
  const auto found = salvage(s.bytes);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->whole(), frames - 1);
  EXPECT_NE(found->chunks[3].lost.find("checksum"), std::string::npos);
  expect_equal<float>(found->array, 0, s.array, 0, 3);
  expect_equal<float>(found->array, 4, s.array, 4, frames - 4);
  for (std::size_t i = 0; i < plane; ++i)
    EXPECT_TRUE(std::isnan(found->array.as<float>()[3 * plane + i]));
}

TEST(Salvage, WithoutAnIndexChunksFollowEachOther) {
  Sample s = sample<std::uint16_t>(Shape{2, 40, 50});  // the last chunk has one frame
  s.bytes[s.bytes.size() - 3] ^= std::byte{1};         // the footer
  s.bytes[s.index.chunks[1].offset + 40] ^= std::byte{1};
  const auto found = salvage(s.bytes);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_FALSE(found->damage.empty());
  EXPECT_EQ(found->array.shape(), (Shape{frames, 40, 50}));
  EXPECT_EQ(found->whole(), 4u);
  expect_equal<std::uint16_t>(found->array, 0, s.array, 0, 2);
  EXPECT_EQ(found->array.as<std::uint16_t>()[2 * plane + 7], 0);
  expect_equal<std::uint16_t>(found->array, 4, s.array, 4, frames - 4);
}

TEST(Salvage, ACutFileGivesWhatItStillHas) {
  const Sample s = sample<std::uint16_t>();
  const std::uint64_t cut = s.index.chunks[5].offset + s.index.chunks[5].size / 2;
  const auto found = salvage(ByteSpan(s.bytes).first(cut));
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->whole(), 5u);
  expect_equal<std::uint16_t>(found->array, 0, s.array, 0, 5);
}

TEST(Salvage, AHeaderIsNotNeeded) {
  Sample s = sample<std::uint16_t>();
  for (std::size_t i = 0; i < 30; ++i) s.bytes[i] = std::byte{0xA5};
  const auto found = salvage(s.bytes);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->whole(), frames);
  expect_equal<std::uint16_t>(found->array, 0, s.array, 0, frames);
}

TEST(Salvage, NothingIsAnError) {
  Sample s = sample<std::uint16_t>();
  for (const ChunkPlace& place : s.index.chunks) s.bytes[place.offset + 20] ^= std::byte{1};
  const auto found = salvage(s.bytes);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Errc::malformed);
  EXPECT_NE(found.error().message.find("no whole chunk"), std::string::npos);
  EXPECT_FALSE(salvage({}).ok());
}

// One flipped bit costs one chunk at most.
TEST(Salvage, AFlippedBitCostsOneChunkAtMost) {
  const Sample s = sample<std::uint8_t>();
  std::mt19937_64 rng(8);
  for (int round = 0; round < 400; ++round) {
    Bytes bytes = s.bytes;
    bytes[rng() % bytes.size()] ^= static_cast<std::byte>(1u << rng() % 8);
    const auto found = salvage(bytes);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_GE(found->whole(), frames - 1);
  }
}

}  // namespace
}  // namespace etalon
