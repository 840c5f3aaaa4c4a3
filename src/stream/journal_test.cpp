#include "stream/journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace etalon {
namespace {

namespace fs = std::filesystem;

Bytes entry(std::size_t n) { return Bytes(50 + n, std::byte(n)); }

struct JournalTest : testing::Test {
  std::string path =
      (fs::temp_directory_path() / ("etalon_journal_" + std::to_string(::getpid()))).string();
  void SetUp() override { fs::remove(path); }
  void TearDown() override { fs::remove(path); }

  // How many there are; each must be what was appended.
  static std::size_t read_all(Journal& journal) {
    for (std::size_t n = 0;; ++n) {
      auto next = journal.read();
      EXPECT_TRUE(next.ok());
      if (!next.ok() || !*next) return n;
      EXPECT_EQ(**next, entry(n));
    }
  }
  // The first `safe` of them are on the disk.
  void write(std::size_t count, std::size_t safe = 0) const {
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal.ok());
    for (std::size_t n = 0; n < count; ++n) {
      ASSERT_TRUE(journal->append(entry(n)).ok());
      if (n + 1 == safe) {
        ASSERT_TRUE(journal->sync().ok());
      }
    }
  }
  void damage(std::size_t n) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    std::size_t at = head + 20;
    for (std::size_t i = 0; i < n; ++i) at += 8 + entry(i).size();
    file.seekp(static_cast<std::streamoff>(at));
    file.put('!');
  }
  static constexpr std::size_t head = 32;  // of the file
};

// Cut at every byte, it gives back the entries that were whole, and can be gone on with.
TEST_F(JournalTest, CutAnywhere) {
  write(3);
  const auto size = fs::file_size(path);
  std::vector<std::uintmax_t> ends;  // of the entries
  for (std::size_t n = 0, at = head; n < 3; ++n) ends.push_back(at += 8 + entry(n).size());
  ASSERT_EQ(ends.back(), size);
  for (std::uintmax_t cut = size; cut-- > 0;) {
    fs::remove(path);
    write(3);
    fs::resize_file(path, cut);
    std::size_t whole = 0;
    while (whole < 3 && ends[whole] <= cut) ++whole;
    {
      auto journal = Journal::open(path);
      ASSERT_TRUE(journal.ok()) << cut;
      ASSERT_EQ(read_all(*journal), whole) << cut;
      ASSERT_TRUE(journal->append(entry(whole)).ok());
    }
    auto again = Journal::open(path);
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(read_all(*again), whole + 1) << cut;
  }
}

TEST_F(JournalTest, EntriesAreReadFromWhereTheyBegan) {
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok());
  std::vector<std::uint64_t> begins;
  for (std::size_t n = 0; n < 4; ++n) {
    begins.push_back(journal->offset());
    ASSERT_TRUE(journal->append(entry(n)).ok());
  }
  for (const std::size_t n : {2, 0, 3, 1}) {
    auto read = journal->at(begins[n]);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, entry(n));
  }
  EXPECT_EQ(journal->at(journal->offset()).error().code, Errc::malformed);
}

TEST_F(JournalTest, DamageIsSaid) {
  write(3, 2);
  damage(1);
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(journal->read().ok());
  const auto damaged = journal->read();
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, Errc::malformed);
  EXPECT_NE(damaged.error().message.find(path + ": offset "), std::string::npos);
}

// What was not promised to be on the disk may have any bytes after a power cut.
TEST_F(JournalTest, WhatWasNotSyncedMayBeDamaged) {
  write(4, 2);
  damage(2);
  {
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal.ok());
    ASSERT_EQ(read_all(*journal), 2u);
    EXPECT_EQ(journal->offset(), journal->safe());
    ASSERT_TRUE(journal->append(entry(2)).ok());
  }
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok());
  EXPECT_EQ(read_all(*journal), 3u);
}

TEST_F(JournalTest, WhatWasSyncedMustBeThere) {
  write(3, 2);
  fs::resize_file(path, head + 8 + entry(0).size() + 10);
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(journal->read().ok());
  EXPECT_EQ(journal->read().error().code, Errc::malformed);
}

TEST_F(JournalTest, ALengthWithoutBytesIsBegunAnew) {
  std::ofstream(path, std::ios::binary) << std::string(4096, '\0');
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_EQ(read_all(*journal), 0u);
  ASSERT_TRUE(journal->append(entry(0)).ok());
  EXPECT_EQ(fs::file_size(path), head + 8 + entry(0).size());
}

TEST_F(JournalTest, WhatIsCutIsGone) {
  write(3);
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok() && journal->read().ok());
  ASSERT_TRUE(journal->cut(journal->offset()).ok());
  EXPECT_FALSE(journal->read()->has_value());
  EXPECT_EQ(journal->offset(), head + 8 + entry(0).size());
}

TEST_F(JournalTest, AnotherFileIsLeftAlone) {
  std::ofstream(path) << "precious";
  const auto journal = Journal::open(path);
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(journal.error().code, Errc::malformed);
  EXPECT_EQ(fs::file_size(path), 8u);
}

TEST_F(JournalTest, OneProcessHoldsIt) {
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok());
  const auto second = Journal::open(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Errc::io);
  journal->remove();
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace etalon
