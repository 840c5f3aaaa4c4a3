#include "codec/container_pieces.hpp"

#include <gtest/gtest.h>

#include <random>

#include "codec/boxes.hpp"

namespace etalon::codec {
namespace {

Array counting(const Shape& shape) {
  Array array(DType::i32, shape);
  for (std::size_t i = 0; i < array.count(); ++i)
    array.as<std::int32_t>()[i] = static_cast<std::int32_t>(i % 1021);
  return array;
}

Bytes container_of(const Array& array, const Shape& chunk) {
  CompressOptions options;
  options.chunk = chunk;
  auto bytes = compress(array.view(), options);
  EXPECT_TRUE(bytes.ok()) << bytes.error().message;
  return *bytes;
}

// All pieces, one after the other, as a raw file would get them.
Result<Bytes> read_pieces(ByteSpan container, const Box* box, std::size_t& largest) {
  ETALON_ASSIGN(const ContainerIndex index, parse_container(container));
  ETALON_ASSIGN(const ContainerPieces pieces, ContainerPieces::create(index, box));
  Bytes all;
  largest = 0;
  for (std::size_t i = 0; i < pieces.count(); ++i) {
    const auto piece = pieces.piece(i);
    std::vector<Bytes> chunks;
    for (std::size_t c : piece.chunks) {
      const ByteSpan chunk = container.subspan(index.chunks[c].offset, index.chunks[c].size);
      chunks.emplace_back(chunk.begin(), chunk.end());
    }
    ETALON_ASSIGN(const Array part, pieces.decode(piece, chunks));
    EXPECT_EQ(part.shape(), piece.extent);
    all.insert(all.end(), part.view().bytes().begin(), part.view().bytes().end());
    largest = std::max(largest, part.count());
  }
  return all;
}

TEST(ContainerPieces, FollowEachOther) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    const std::size_t rank = random() % 5;
    Shape shape = zeros(rank), chunk = shape;
    Box box;
    for (std::size_t i = 0; i < rank; ++i) {
      shape[i] = 1 + random() % 7;
      chunk[i] = 1 + random() % (shape[i] + 1);
      const std::size_t begin = random() % shape[i];
      box.axes.push_back({begin, begin + random() % (shape[i] - begin + 1)});
    }
    const Array array = counting(shape);
    const Bytes container = container_of(array, chunk);
    std::size_t largest = 0;
    const auto all = read_pieces(container, nullptr, largest);
    ASSERT_TRUE(all.ok()) << all.error().message;
    ASSERT_TRUE(std::equal(all->begin(), all->end(), array.view().bytes().begin(),
                           array.view().bytes().end()))
        << to_string(shape) << " in " << to_string(chunk);
    const auto part = read_pieces(container, &box, largest);
    const auto wanted = decompress_box(container, box);
    ASSERT_TRUE(part.ok() && wanted.ok());
    ASSERT_TRUE(std::equal(part->begin(), part->end(), wanted->view().bytes().begin(),
                           wanted->view().bytes().end()))
        << to_string(shape) << " in " << to_string(chunk);
  }
}

TEST(ContainerPieces, AreNoLargerThanNeeded) {
  const Array array = counting({4, 6, 8, 10});
  const std::pair<Shape, std::size_t> cases[] = {
      {{1, 1, 8, 10}, 80},  {{1, 1, 2, 10}, 20},   {{1, 1, 2, 3}, 20}, {{1, 2, 8, 10}, 160},
      {{2, 6, 8, 10}, 960}, {{4, 6, 8, 10}, 1920}, {{1, 1, 1, 3}, 3}};
  for (const auto& [chunk, wanted] : cases) {
    std::size_t largest = 0;
    const auto all = read_pieces(container_of(array, chunk), nullptr, largest);
    ASSERT_TRUE(all.ok()) << to_string(chunk) << ": " << all.error().message;
    EXPECT_EQ(largest, wanted) << to_string(chunk);
  }
}

TEST(ContainerPieces, RefusesBoxesOutsideAndForeignChunks) {
  const Array array = counting({4, 6});
  const Bytes container = container_of(array, {2, 6});
  std::size_t largest = 0;
  const Box outside{{{0, 5}, {0, 6}}}, flat{{{0, 4}}};
  EXPECT_EQ(read_pieces(container, &outside, largest).error().code, Errc::usage);
  EXPECT_EQ(read_pieces(container, &flat, largest).error().code, Errc::usage);
  const auto index = parse_container(container);
  const auto pieces = ContainerPieces::create(*index, nullptr);
  const auto other = encode_chunk(counting({3, 6}).view(), {});
  EXPECT_EQ(pieces->decode(pieces->piece(0), {*other}).error().code, Errc::malformed);
  EXPECT_EQ(pieces->decode(pieces->piece(0), {Bytes(40)}).error().code, Errc::malformed);
  ContainerIndex huge = *index;
  huge.shape[0] = std::size_t{1} << 40;
  huge.chunk_shape[0] = std::size_t{1} << 39;
  EXPECT_EQ(ContainerPieces::create(huge, nullptr).error().code, Errc::malformed);
}

}  // namespace
}  // namespace etalon::codec
