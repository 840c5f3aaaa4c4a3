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
