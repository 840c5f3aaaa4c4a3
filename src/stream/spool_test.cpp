#include "stream/spool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace etalon {
namespace {

namespace fs = std::filesystem;

Bytes message(std::uint64_t sequence) { return Bytes(100, std::byte(sequence)); }

struct SpoolTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("etalon_spool_" + std::to_string(::getpid()));
  SpoolOptions options;
  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directories(folder);
    options.folder = folder.string();
    options.limit = 1000;
    options.file_bytes = 300;
  }
  void TearDown() override { fs::remove_all(folder); }

  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }
  static void fill(Spool& spool, std::uint64_t until) {
    while (spool.next() < until) ASSERT_TRUE(spool.append(message(spool.next())).ok());
  }
  static void expect_all(const Spool& spool) {
    for (std::uint64_t n = spool.first(); n < spool.next(); ++n) {
      auto read = spool.read(n);
      ASSERT_TRUE(read.ok()) << n;
      EXPECT_EQ(*read, message(n));
    }
  }
};

TEST_F(SpoolTest, HoldsUpToItsLimitAndForgetsWhatIsAcknowledged) {
  auto spool = Spool::open(options);
  ASSERT_TRUE(spool.ok());
  EXPECT_TRUE(spool->has_room(5000));  // one message always fits
  fill(*spool, 11);
  EXPECT_EQ(spool->bytes(), 1000u);
  EXPECT_FALSE(spool->has_room(1));
  expect_all(*spool);
  const std::size_t before = files();
  spool->release(9);
  EXPECT_EQ(spool->bytes(), 200u);
  EXPECT_LT(files(), before);
  EXPECT_GT(spool->first(), 1u);
  EXPECT_LE(spool->first(), 9u);
  expect_all(*spool);
  EXPECT_FALSE(spool->read(spool->first() - 1).ok());
  EXPECT_FALSE(spool->read(11).ok());
  spool->release(11);
  EXPECT_EQ(spool->bytes(), 0u);
  EXPECT_EQ(spool->next(), 11u);
  spool->remove();
  EXPECT_EQ(files(), 0u);
}

TEST_F(SpoolTest, IsTakenUpAgain) {
  {
    auto spool = Spool::open(options);
    ASSERT_TRUE(spool.ok());
    fill(*spool, 11);
    spool->release(6);
  }
  auto again = Spool::open(options);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->next(), 11u);
  EXPECT_LE(again->first(), 6u);
  expect_all(*again);
  fill(*again, 20);
  expect_all(*again);
}

TEST_F(SpoolTest, ASyncMakesAllBeforeItSafe) {
  std::size_t begun = 0;
  options.before_next_file = [&]() -> Result<void> {
    ++begun;
    return {};
  };
  auto spool = Spool::open(options);
  ASSERT_TRUE(spool.ok());
  fill(*spool, 3);
  const Spool::Point point = spool->point();
  fill(*spool, 8);  // into other files
  EXPECT_EQ(spool->safe(), 1u);
  ASSERT_TRUE(spool->sync(point).ok());
  spool->synced(point);
  EXPECT_EQ(spool->safe(), 3u);
  EXPECT_EQ(begun + 1, files());
}

TEST_F(SpoolTest, AFileThatIsNotThereIsSaid) {
  std::uint64_t second = 0;
  {
    auto spool = Spool::open(options);
    ASSERT_TRUE(spool.ok());
    fill(*spool, 11);
    spool->release(5);
    second = spool->first() + 3;
  }
  ASSERT_TRUE(fs::remove(folder / (std::to_string(second) + ".spool")));
  auto again = Spool::open(options);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Errc::malformed);
}

}  // namespace
}  // namespace etalon
