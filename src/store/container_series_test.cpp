#include "store/container_series.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "etalon/codec.hpp"
#include "store/folder_test.hpp"

namespace etalon {
namespace {

class ContainerSeriesTest : public TestFolder {
 protected:
  std::string write(const std::string& name, std::span<const std::byte> bytes) const {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }
  std::vector<std::byte> container(const Array& array, const CompressOptions& options = {}) const {
    auto bytes = compress(array.view(), options);
    EXPECT_TRUE(bytes.ok()) << bytes.error().message;
    return *bytes;
  }
};

TEST_F(ContainerSeriesTest, GivesTheFramesOfTheArray) {
  const Array array = counting<std::uint16_t>({7, 12, 15});
  for (const Shape& chunk : {Shape{}, Shape{3, 12, 15}, Shape{2, 5, 15}, Shape{7, 12, 15}}) {
    CompressOptions options;
    options.chunk = chunk;
    auto series = open_series(write("a.etalon", container(array, options)));
    ASSERT_TRUE(series.ok()) << series.error().message;
    EXPECT_EQ((*series)->info().frames, 7U);
    EXPECT_EQ((*series)->info().dtype, DType::u16);
    for (const std::uint64_t i : {0, 6, 3, 2}) {
      const auto frame = (*series)->read(i);
      ASSERT_TRUE(frame.ok()) << frame.error().message;
      const auto expected = array.view()[i].bytes(), found = frame->image.view().bytes();
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found.begin(), found.end()));
    }
    EXPECT_FALSE((*series)->read(7).ok());
  }
  // Axes before the last two run through in order; an image alone is one frame.
  auto deep = open_series(write("b", container(counting<float>({2, 3, 4, 5}))));
  ASSERT_TRUE(deep.ok());
  EXPECT_EQ((*deep)->info().frames, 6U);
  EXPECT_EQ((*deep)->read(4)->image.as<float>()[0], 81);
  auto image = open_series(write("c", container(counting<float>({4, 5}))));
  ASSERT_TRUE(image.ok());
  EXPECT_EQ((*image)->info().frames, 1U);
}

TEST_F(ContainerSeriesTest, DitheredFramesHaveTheWiderType) {
  CompressOptions options;
  options.bound = Bound::abs(2);
  options.dither = true;
  auto series = open_series(write("a", container(counting<std::uint16_t>({2, 40, 40}), options)));
  ASSERT_TRUE(series.ok());
  EXPECT_EQ((*series)->info().dtype, DType::i32);
  EXPECT_EQ((*series)->read(1)->image.dtype(), DType::i32);
}

TEST_F(ContainerSeriesTest, DamageIsAnError) {
  auto bytes = container(counting<std::uint16_t>({3, 40, 40}));
  auto cut = bytes;
  cut.resize(cut.size() - 3);
  const auto broken = open_series(write("cut", cut));
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, Errc::malformed);
  EXPECT_NE(broken.error().message.find("cut"), std::string::npos);

  auto line = open_series(write("line", container(counting<std::uint16_t>({30}))));
  ASSERT_FALSE(line.ok());
  EXPECT_NE(line.error().message.find("no series"), std::string::npos);

  bytes[bytes.size() / 2] ^= std::byte{0x40};  // within a chunk
  auto series = open_series(write("flipped", bytes));
  ASSERT_TRUE(series.ok());
  bool fails = false;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto frame = (*series)->read(i);
    if (frame.ok()) continue;
    fails = true;
    EXPECT_EQ(frame.error().code, Errc::malformed);
    EXPECT_NE(frame.error().message.find("frame " + std::to_string(i)), std::string::npos);
  }
  EXPECT_TRUE(fails);
}

}  // namespace
}  // namespace etalon
