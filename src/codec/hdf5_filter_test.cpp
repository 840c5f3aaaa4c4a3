#include "codec/hdf5_filter.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <limits>

namespace etalon {
namespace {

constexpr unsigned encode = 0, decode = 0x0100;

// The buffer of a filter call, from malloc as HDF5's are.
struct Buffer {
  explicit Buffer(std::span<const std::byte> bytes)
      : size(bytes.size()), data(std::malloc(std::max<std::size_t>(size, 1))) {
    std::memcpy(data, bytes.data(), size);
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::size_t run(unsigned flags, const std::vector<unsigned>& values) {
    return run_hdf5_filter(flags, values.size(), values.data(), size, &size, &data);
  }

  std::size_t size;
  void* data;
};

Array ramp() {
  Array array(DType::u16, {1, 20, 30});
  for (std::size_t i = 0; i < array.count(); ++i)
    array.as<std::uint16_t>()[i] = static_cast<std::uint16_t>(i % 97);
  return array;
}

TEST(Hdf5Filter, SettingsComeBack) {
  for (const Bound& bound : {Bound::lossless(), Bound::abs(0.1), Bound::abs(0)}) {
    for (const Shape& chunk : {Shape{7}, Shape{1, 20, 30}, Shape{1, 2, 3, 4, 5, 6}}) {
      const auto back = parse_cd_values(to_cd_values({DType::f32, chunk, bound}));
      ASSERT_TRUE(back.ok()) << back.error().message;
      EXPECT_EQ(back->dtype, DType::f32);
      EXPECT_EQ(back->chunk, chunk);
      EXPECT_EQ(back->bound, bound);
    }
  }
}

TEST(Hdf5Filter, LevelsComeBack) {
  for (const Bound& bound : {Bound::lossless(), Bound::abs(0.1), Bound::sigma(1, 2, 3)})
    for (int level = least_level; level <= most_level; ++level) {
      const auto values = to_cd_values({DType::f32, Shape{7}, bound, level});
      EXPECT_EQ(parse_cd_values(values)->level, level);
      if (level == default_level) {
        EXPECT_EQ(values, to_cd_values({DType::f32, Shape{7}, bound}));
      }
    }
  EXPECT_FALSE(parse_cd_values(to_cd_values({DType::f32, Shape{7}, {}, 0})).ok());
  EXPECT_FALSE(parse_cd_values(to_cd_values({DType::f32, Shape{7}, {}, 10})).ok());
}

TEST(Hdf5Filter, DitherComesBack) {
  for (const int level : {1, default_level}) {
    const auto values = to_cd_values({DType::i32, Shape{7}, Bound::abs(1), level, true});
    const auto back = parse_cd_values(values);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_TRUE(back->dither);
    EXPECT_EQ(back->level, level);
  }
  EXPECT_FALSE(parse_cd_values(to_cd_values({DType::f32, Shape{7}, Bound::abs(1)}))->dither);
  auto values = to_cd_values({DType::f32, Shape{7}, Bound::abs(1), default_level, true});
  values.back() = 2;
  EXPECT_FALSE(parse_cd_values(values).ok());
  const auto refused = [](DType dtype, const Bound& bound) {
    return !parse_cd_values(to_cd_values({dtype, Shape{7}, bound, default_level, true})).ok();
  };
  EXPECT_TRUE(refused(DType::u16, Bound::abs(1))) << "may come out negative";
  EXPECT_TRUE(refused(DType::i64, Bound::abs(1)));
  EXPECT_TRUE(refused(DType::f32, Bound::pwrel(0.1)));
  EXPECT_TRUE(refused(DType::f32, Bound::sigma(1)));
}

TEST(Hdf5Filter, FailureSaysWhy) {
  const Array array = ramp();
  Buffer buffer(array.view().bytes());
  const auto why = [&](const std::vector<unsigned>& values) {
    std::string text;
    EXPECT_EQ(run_hdf5_filter(encode, values.size(), values.data(), buffer.size, &buffer.size,
                              &buffer.data, &text),
              0U);
    return text;
  };
  EXPECT_NE(why({}).find("cd_values: fewer than 5"), std::string::npos);
  const auto said = why(to_cd_values({DType::u16, array.shape(), Bound::rel(0.01, 0, 0)}));
  EXPECT_NE(said.find("rel:0.01,range=A..B"), std::string::npos) << said;
}

TEST(Hdf5Filter, EveryShorterOrWrongSettingIsRefused) {
  const auto good = to_cd_values({DType::u16, {1, 20, 30}, Bound::abs(2)});
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(parse_cd_values(std::span(good).first(n)).ok()) << n;
  for (std::size_t i = 0; i < 7; ++i) {
    auto bad = good;
    bad[i] = i < 3 || i == 6 ? 99 : 0;  // version, dtype, rank, kind; an extent
    EXPECT_FALSE(parse_cd_values(bad).ok()) << i;
  }
  EXPECT_FALSE(parse_cd_values(to_cd_values({DType::u16, {2}, Bound::abs(-1)})).ok());
  EXPECT_FALSE(
      parse_cd_values(
          to_cd_values({DType::u16, {2}, Bound::abs(std::numeric_limits<double>::infinity())}))
          .ok());
}

TEST(Hdf5Filter, BytesComeBack) {
  const Array array = ramp();
  const auto values = to_cd_values({DType::u16, array.shape(), Bound::lossless()});
  Buffer buffer(array.view().bytes());
  const std::size_t packed = buffer.run(encode, values);
  ASSERT_GT(packed, 0U);
  EXPECT_LT(packed, array.view().size_bytes());
  ASSERT_EQ(buffer.run(decode, values), array.view().size_bytes());
  EXPECT_EQ(std::memcmp(buffer.data, array.view().data, buffer.size), 0);
}

TEST(Hdf5Filter, FailureLeavesTheBuffer) {
  const Array array = ramp();
  const auto values = to_cd_values({DType::u16, array.shape(), Bound::lossless()});
  Buffer buffer(array.view().bytes());
  void* const before = buffer.data;
  EXPECT_EQ(buffer.run(decode, values), 0U) << "these bytes are no chunk";
  EXPECT_EQ(buffer.run(encode, {}), 0U);
  EXPECT_EQ(buffer.run(encode, to_cd_values({DType::u16, {1, 20, 31}, {}})), 0U);
  EXPECT_EQ(buffer.data, before);
  EXPECT_EQ(std::memcmp(buffer.data, array.view().data, buffer.size), 0);

  // A chunk of another size must not reach HDF5, which would read past it.
  ASSERT_GT(buffer.run(encode, values), 0U);
  EXPECT_EQ(buffer.run(decode, to_cd_values({DType::u16, {1, 20, 31}, {}})), 0U);
  EXPECT_EQ(buffer.run(decode, to_cd_values({DType::u32, {1, 20, 30}, {}})), 0U);
  EXPECT_EQ(buffer.run(decode, values), array.view().size_bytes());
}

}  // namespace
}  // namespace etalon
