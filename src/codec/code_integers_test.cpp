// Integers of smooth fields: coded by the fields engine, exact or within bounds, of every rank.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "codec/chunk_format.hpp"
#include "codec/patterns_test.hpp"
#include "etalon/backend.hpp"

namespace etalon {
namespace {

using namespace codec;

// A wave over all axes that fills a type of at most 16 bits up to a twentieth at both ends.
template <typename T>
Array wave(const Shape& shape) {
  Array array(DTypeOf<T>::value, shape);
  const double low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  for (std::size_t i = 0; i < array.count(); ++i) {
    std::size_t left = i;
    double phase = 0;
    for (std::size_t axis = shape.rank(); axis-- > 0; left /= shape[axis])
      phase += static_cast<double>(left % shape[axis]) * (0.11 + 0.03 * static_cast<double>(axis));
    array.as<T>()[i] =
        static_cast<T>((low + high) / 2 + std::min(0.45 * (high - low), 1e6) * std::sin(phase));
  }
  return array;
}

template <typename T>
void comes_back(const Array& a, const CompressOptions& options, std::uint64_t bound,
                const std::string& what) {
  const auto chunk = encode_chunk(a.view(), options);
  ASSERT_TRUE(chunk.ok()) << what << chunk.error().message;
  EXPECT_EQ(parse_chunk(*chunk)->head.engine, Engine::fields) << what;
  const auto back = decode_chunk(*chunk);
  ASSERT_TRUE(back.ok()) << what << back.error().message;
  double worst = 0;
  for (std::size_t i = 0; i < a.count(); ++i)
    worst = std::max(worst, distance(back->view().as<T>()[i], a.view().as<T>()[i]));
  EXPECT_LE(worst, static_cast<double>(bound)) << what;
  EXPECT_EQ(inspect_chunk(*chunk)->regions[0].max_error, worst) << what;
}

template <typename T>
void all_ranks() {
  for (const Shape& shape : {Shape{3000}, Shape{61, 55}, Shape{13, 17, 19}, Shape{7, 8, 9, 10},
                             Shape{5, 4, 6, 5, 7}, Shape{4, 3, 5, 4, 3, 6}})
    for (const std::uint64_t bound : {0u, 1u, 5u}) {
      CompressOptions options;
      options.bound = bound == 0 ? Bound::lossless() : Bound::abs(static_cast<double>(bound));
      options.level = 7;  // small ones are fields with the thorough coder only
      comes_back<T>(wave<T>(shape), options, bound,
                    std::string(name_of(DTypeOf<T>::value)) + to_string(shape) + " ");
    }
}

TEST(IntegerFields, EveryTypeAndRank) {
  all_ranks<std::uint8_t>();
  all_ranks<std::int8_t>();
  all_ranks<std::uint16_t>();
  all_ranks<std::int16_t>();
  all_ranks<std::uint32_t>();
  all_ranks<std::int32_t>();
}

// Bounds that reach past the type's ends are held to it.
TEST(IntegerFields, WideBoundsStayInTheType) {
  CompressOptions options;
  options.bound = Bound::abs(40);
  comes_back<std::uint8_t>(wave<std::uint8_t>(Shape{40, 50, 20}), options, 40, "u8 ");
  options.bound = Bound::abs(5000);
  comes_back<std::int16_t>(wave<std::int16_t>(Shape{40, 50, 20}), options, 5000, "i16 ");
}

TEST(IntegerFields, EveryBackendMakesTheSameChunk) {
  const Array a = wave<std::uint16_t>(Shape{20, 30, 50});
  Bytes wanted;
  for (const auto& backend : backends()) {
    ASSERT_TRUE(set_backend(backend).ok());
    const auto chunk = encode_chunk(a.view(), {});
    ASSERT_TRUE(chunk.ok());
    if (wanted.empty()) wanted = *chunk;
    EXPECT_EQ(*chunk, wanted) << backend;
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

// Photon counts are no field, and images that have little to do with one another no volume.
TEST(IntegerFields, CountsStayCounts) {
  std::mt19937_64 rng(3);
  const Array a = make<std::uint16_t>(Pattern::gradient, Shape{20, 150, 160}, rng);
  const auto file = compress(a.view(), {});
  ASSERT_TRUE(file.ok());
  const auto info = inspect(*file);
  EXPECT_EQ(info->chunk_shape, (Shape{1, 150, 160}));
  EXPECT_EQ(parse_chunk(*encode_chunk(a.view(), {}))->head.engine, Engine::counts);
}

TEST(IntegerFields, VolumesAreCodedTogether) {
  const Array a = wave<std::uint16_t>(Shape{40, 260, 260});
  const auto file = compress(a.view(), {});
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(inspect(*file)->chunk_shape, (Shape{40, 260, 260}));
  CompressOptions by_image;
  by_image.chunk = Shape{1, 260, 260};
  EXPECT_LT(file->size(), compress(a.view(), by_image)->size());
  const auto back = decompress(*file);
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(
      std::equal(a.view().bytes().begin(), a.view().bytes().end(), back->view().bytes().begin()));
}

}  // namespace
}  // namespace etalon
