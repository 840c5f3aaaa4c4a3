#include "store/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "store/folder_test.hpp"

namespace etalon {
namespace {

namespace fs = std::filesystem;

class FileTest : public TestFolder {
 protected:
  void write(const std::string& to, std::string_view text) {
    auto file = OutputFile::create(to, true);
    ASSERT_TRUE(file.ok()) << file.error().message;
    ASSERT_TRUE(file->write(bytes_of(text)).ok());
    ASSERT_TRUE(file->commit().ok());
  }
  std::string read(const std::string& from) {
    auto bytes = read_file(from);
    return bytes.ok() ? std::string(text_of(*bytes)) : bytes.error().message;
  }
};

TEST_F(FileTest, TheNameAppearsWithCommit) {
  {
    auto file = OutputFile::create(path("a"), false);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write(bytes_of("half")).ok());
    EXPECT_FALSE(fs::exists(path("a")));
  }
  EXPECT_TRUE(fs::is_empty(path("")));
  write(path("a"), "whole");
  EXPECT_EQ(read(path("a")), "whole");
  expect_error(OutputFile::create(path("a"), false), Errc::usage, {"exists already"});
}

// What a killed program leaves: a part without a lock.
TEST_F(FileTest, WhatAKilledProgramLeftIsWrittenOver) {
  std::string part;
  {
    auto file = OutputFile::create(path("a"), false);
    ASSERT_TRUE(file.ok() && file->write(bytes_of("a long half of it")).ok());
    part = file->temporary_path();
    file->keep();
  }
  ASSERT_TRUE(fs::exists(part));
  write(path("a"), "whole");
  EXPECT_EQ(read(path("a")), "whole");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, AnOutputHasOneWriter) {
  auto first = OutputFile::create(path("a"), false);
  ASSERT_TRUE(first.ok() && first->write(bytes_of("first")).ok());
  expect_error(OutputFile::create(path("a"), true), Errc::io, {path("a"), "another program"});
  EXPECT_FALSE(OutputFile::left_behind(path("a"))->has_value());
  ASSERT_TRUE(first->commit().ok());
  EXPECT_EQ(read(path("a")), "first");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, APartThatIsNoFileOfOursStays) {
  const std::string part = OutputFile::create(path("a"), false)->temporary_path();
  write(path("b"), "precious");
  fs::create_symlink(path("b"), part);
  expect_error(OutputFile::create(path("a"), false), Errc::io, {part});
  fs::remove(part);
  fs::create_hard_link(path("b"), part);
  expect_error(OutputFile::create(path("a"), false), Errc::io, {part});
  EXPECT_EQ(read(path("b")), "precious");
}

TEST_F(FileTest, AFinishedFileWaitsForItsName) {
  auto file = OutputFile::create(path("a"), false);
  ASSERT_TRUE(file.ok() && file->write(bytes_of("new")).ok() && file->finish().ok());
  EXPECT_FALSE(fs::exists(path("a")));
  EXPECT_EQ(read(file->temporary_path()), "new");
  write(path("b"), "old");
  expect_error(file->name_as(path("b"), false), Errc::usage, {path("b"), "exists already"});
  EXPECT_EQ(read(path("b")), "old");
  ASSERT_TRUE(file->name_as(path("b"), true).ok());
  EXPECT_EQ(read(path("b")), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, AWholeFileThatWasLeftCanBeNamed) {
  {
    auto file = OutputFile::create(path("a"), false);
    ASSERT_TRUE(file.ok() && file->write(bytes_of("whole")).ok() && file->finish().ok());
    file->keep();
  }
  { ASSERT_TRUE(OutputFile::left_behind(path("a"))->has_value()); }  // looking takes nothing away
  auto left = OutputFile::left_behind(path("a"));
  ASSERT_TRUE(left.ok() && *left);
  ASSERT_TRUE((*left)->name_as(path("a"), false).ok());
  EXPECT_EQ(read(path("a")), "whole");
  EXPECT_FALSE(OutputFile::left_behind(path("a"))->has_value());
}

TEST_F(FileTest, ALinkLeadsToTheFileThatIsReplaced) {
  write(path("target"), "old");
  fs::create_symlink(path("target"), path("link"));
  write(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read(path("target")), "new");
}

TEST_F(FileTest, APipeStaysAPipe) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = read(path("pipe")); });
  write(path("pipe"), "through");
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  expect_error(OutputFile::create_regular(path("pipe"), true), Errc::usage, {"pipe"});
  expect_error(OutputFile::create_regular("-", true), Errc::usage, {"-"});
}

TEST_F(FileTest, AnOutputIsNotItsInput) {
  write(path("a"), "raw");
  write(path("b"), "raw");
  fs::create_symlink(path("a"), path("link"));
  EXPECT_TRUE(refuse_same_file(path("a"), path("b")).ok());
  EXPECT_TRUE(refuse_same_file(path("a"), path("none")).ok());
  EXPECT_TRUE(refuse_same_file("-", "-").ok());
  expect_error(refuse_same_file(path("a"), path("a")), Errc::usage, {"another name"});
  expect_error(refuse_same_file(path("a"), path("link")), Errc::usage, {"another name"});
}

}  // namespace
}  // namespace etalon
