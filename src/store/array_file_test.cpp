#include <gtest/gtest.h>

#include "store/folder_test.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

using ArrayFile = TestFolder;

TEST_F(ArrayFile, ComesBackFromEveryFormatAndType) {
  const Array arrays[] = {
      counting<std::uint8_t>({2, 3}), counting<std::uint16_t>({4, 3, 2}),
      counting<std::uint32_t>({5}),   counting<std::uint64_t>({1, 1, 7}),
      counting<std::int8_t>({3}),     counting<std::int16_t>({2, 2}),
      counting<std::int32_t>({9}),    counting<std::int64_t>({2, 2, 2, 2, 2, 2}),
      counting<float>({2, 3, 4}),     counting<double>({0, 4}),
  };
  int n = 0;
  for (const Array& a : arrays) {
    for (const char* ending : {".npy", ".h5", ".raw"}) {
      const std::string name = path(std::to_string(n++) + ending);
      ASSERT_TRUE(write_array(name, a.view(), false).ok()) << name;
      OpenOptions options;
      options.dtype = a.dtype();
      options.shape = a.shape();
      auto back = read_array(name, options);
      ASSERT_TRUE(back.ok()) << back.error().message;
      expect_same(a, *back);
    }
  }
}

TEST_F(ArrayFile, NamesThatCannotBeAreErrors) {
  const Array a = counting<std::uint16_t>({2, 2});
  for (const char* ending : {".npy", ".h5", ".raw"}) {
    auto written = write_array(path(std::string(300, 'x') + ending), a.view(), false);
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, Errc::io);
    EXPECT_NE(written.error().message.find("File name too long"), std::string::npos)
        << written.error().message;
  }
}

TEST_F(ArrayFile, ExistingFilesStayUnlessOverwritten) {
  const Array a = counting<std::uint16_t>({2, 2}), b = counting<std::uint16_t>({3, 3});
  for (const char* name : {"a.npy", "a.h5", "a.raw"}) {
    ASSERT_TRUE(write_array(path(name), a.view(), false).ok());
    auto again = write_array(path(name), b.view(), false);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code, Errc::usage);
    EXPECT_TRUE(write_array(path(name), b.view(), true).ok());
  }
  auto back = read_array(path("a.h5"));
  ASSERT_TRUE(back.ok());
  expect_same(b, *back);
}

TEST_F(ArrayFile, FailuresNameFileAndReason) {
  for (const char* name : {"none.h5", "none.npy", "none.raw"}) {
    OpenOptions options;
    options.shape = {1};
    auto read = read_array(path(name), options);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, Errc::missing) << read.error().message;
    EXPECT_NE(read.error().message.find(name), std::string::npos);
  }
  const Array a = counting<std::uint16_t>({6, 4});
  ASSERT_TRUE(write_array(path("a.raw"), a.view(), false).ok());
  EXPECT_EQ(read_array(path("a.raw")).error().code, Errc::usage);
  OpenOptions options;
  options.shape = {6, 5};
  EXPECT_EQ(read_array(path("a.raw"), options).error().code, Errc::malformed);
  auto into_nowhere = write_array(path("no/such/folder.npy"), a.view(), false);
  ASSERT_FALSE(into_nowhere.ok());
  EXPECT_EQ(into_nowhere.error().code, Errc::io);
}

TEST_F(ArrayFile, OpensAsASeries) {
  const Array a = counting<std::uint16_t>({3, 4, 5});
  OpenOptions options;
  options.shape = a.shape();
  for (const char* name : {"a.npy", "a.h5", "a.raw"}) {
    ASSERT_TRUE(write_array(path(name), a.view(), false).ok());
    auto series = open_series(path(name), options);
    ASSERT_TRUE(series.ok()) << series.error().message;
    EXPECT_EQ((*series)->info().frames, 3U);
    EXPECT_EQ((*series)->info().geometry.ny, 4U);
    EXPECT_EQ((*series)->info().geometry.nx, 5U);
    EXPECT_EQ((*series)->info().name, "a");
    auto frame = (*series)->read(2);
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(frame->number, 2U);
    EXPECT_EQ(frame->image.as<std::uint16_t>()[0], 41U);
    EXPECT_EQ((*series)->read(3).error().code, Errc::usage);
  }
}

}  // namespace
}  // namespace etalon
