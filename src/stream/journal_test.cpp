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
  void write(std::size_t count) const {
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal.ok());
    for (std::size_t n = 0; n < count; ++n) ASSERT_TRUE(journal->append(entry(n)).ok());
  }
};

// Cut at every byte, it gives back the entries that were whole, and can be gone on with.
TEST_F(JournalTest, CutAnywhere) {
  write(3);
  const auto size = fs::file_size(path);
  std::vector<std::uintmax_t> ends;  // of the entries
  for (std::size_t n = 0, at = 16; n < 3; ++n) ends.push_back(at += 8 + entry(n).size());
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
  write(3);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(16 + 8 + entry(0).size() + 20));
  file.put('!');
  file.close();
  auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(journal->read().ok());
  const auto damaged = journal->read();
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, Errc::malformed);
  EXPECT_NE(damaged.error().message.find(path + ": offset "), std::string::npos);
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
