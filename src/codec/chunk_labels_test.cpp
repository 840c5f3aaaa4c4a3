#include "codec/chunk_labels.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace etalon::codec {
namespace {

constexpr std::size_t planes = 3, ny = 40, nx = 70;

// Two boxes, the second over the corner of the first.
std::vector<std::uint8_t> wanted() {
  std::vector<std::uint8_t> labels(ny * nx);
  for (std::size_t y = 5; y < 20; ++y)
    for (std::size_t x = 6; x < 30; ++x) labels[y * nx + x] = 1;
  for (std::size_t y = 15; y < 25; ++y)
    for (std::size_t x = 20; x < 50; ++x) labels[y * nx + x] = 2;
  return labels;
}

CompressOptions options_for(double bound) {
  CompressOptions options;
  options.bound = Bound::abs(bound);
  options.regions = {{"box", Bound::lossless(), {}}, {"mask", Bound::abs(2 * bound), {}}};
  for (unsigned label : {1U, 2U})
    for (std::uint8_t l : wanted()) options.regions[label - 1].where.push_back(l == label);
  options.regions[0].where[15 * nx + 20] = 1;  // the later one wins
  return options;
}

TEST(ChunkLabels, AreThoseThatWereEncoded) {
  for (DType type : {DType::u8, DType::u16, DType::i32, DType::u64, DType::i64, DType::f32}) {
    Array array(type, {planes, ny, nx});
    visit(type, [&](auto zero) {
      using T = decltype(zero);
      const auto values = array.as<T>();
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<T>(50 + 20 * std::sin(static_cast<double>(i) / 9));
    });
    const auto chunk = encode_chunk(array.view(), options_for(1));
    ASSERT_TRUE(chunk.ok()) << chunk.error().message;
    const auto found = chunk_labels(*chunk);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->regions.size(), 3u);
    EXPECT_EQ(found->regions[1].kind, "box");
    EXPECT_EQ(found->regions[2].bound, Bound::abs(2));
    EXPECT_EQ(found->labels, wanted()) << name_of(type);
  }
}

TEST(ChunkLabels, ExactChunksKeepNone) {
  Array noise(DType::f64, {1, ny, nx});
  std::uint64_t state = 1;
  for (double& v : noise.as<double>()) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = std::ldexp(static_cast<double>(state >> 11), static_cast<int>(state % 97));
  }
  const auto chunk = encode_chunk(noise.view(), options_for(0));
  ASSERT_TRUE(chunk.ok()) << chunk.error().message;
  const auto found = chunk_labels(*chunk);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->regions.size(), 3u);
  EXPECT_GT(found->regions[2].elements, 0u);
  EXPECT_TRUE(found->labels.empty());
}

TEST(ChunkLabels, OfDamagedBytesAreAnError) {
  const Array zeros(DType::u16, {1, ny, nx});
  auto chunk = encode_chunk(zeros.view(), options_for(1));
  ASSERT_TRUE(chunk.ok());
  for (std::size_t size = 0; size < chunk->size(); ++size) {
    const auto cut = chunk_labels(ByteSpan(*chunk).first(size));
    ASSERT_FALSE(cut.ok()) << size;
    EXPECT_EQ(cut.error().code, Errc::malformed);
  }
}

}  // namespace
}  // namespace etalon::codec
