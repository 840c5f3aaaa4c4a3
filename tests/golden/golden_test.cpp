// The files in formats/golden: good ones are still made and read bit for bit, bad ones are refused
// for the reason they were made for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cases.hpp"

namespace etalon::golden {
namespace {

std::string folder() {
  const char* root = std::getenv("ETALON_SOURCE_DIR");
  return std::string(root == nullptr ? "." : root) + "/formats/golden/";
}

Bytes file(const std::string& name) {
  std::ifstream in(folder() + name, std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto bytes = bytes_of(text);
  return Bytes(bytes.begin(), bytes.end());
}

Result<Array> decode(const Bytes& bytes) {
  return bytes.size() >= 3 && text_of(bytes).substr(0, 3) == "Etc" ? decode_chunk(bytes)
                                                                   : decompress(bytes);
}

TEST(Golden, GoodFilesAreMadeAgain) {
  for (const Good& g : good_cases()) EXPECT_EQ(file(g.name + ".etalon"), g.bytes) << g.name;
}

TEST(Golden, GoodFilesDecodeBitForBit) {
  for (const Good& g : good_cases()) {
    const auto array = decode(file(g.name + ".etalon"));
    ASSERT_TRUE(array.ok()) << g.name << ": " << array.error().message;
    const auto bytes = array->view().bytes();
    if (bytes.size() >= (1 << 17)) {  // kept as no file: all zeros
      EXPECT_TRUE(
          std::all_of(bytes.begin(), bytes.end(), [](auto b) { return b == std::byte{0}; }));
      continue;
    }
    const Bytes npy = file(g.name + ".npy");
    ASSERT_GE(npy.size(), bytes.size()) << g.name;
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(),
                           npy.end() - static_cast<std::ptrdiff_t>(bytes.size())))
        << g.name;
  }
}

// What encoders of this format made that have become better since.
TEST(Golden, EarlierFilesDecodeBitForBit) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder() + "earlier")) {
    if (entry.path().extension() != ".etalon") continue;
    const std::string name = "earlier/" + entry.path().stem().string();
    const auto array = decode(file(name + ".etalon"));
    ASSERT_TRUE(array.ok()) << name << ": " << array.error().message;
    const auto bytes = array->view().bytes();
    const Bytes npy = file(name + ".npy");
    ASSERT_GE(npy.size(), bytes.size()) << name;
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(),
                           npy.end() - static_cast<std::ptrdiff_t>(bytes.size())))
        << name;
    ++count;
  }
  EXPECT_GE(count, 17u);
}

TEST(Golden, BadFilesAreRefused) {
  for (const Bad& b : bad_cases()) {
    const Bytes bytes = file("bad/" + b.name + ".etalon");
    EXPECT_EQ(bytes, b.bytes) << b.name;
    const auto array = decode(bytes);
    ASSERT_FALSE(array.ok()) << b.name;
    EXPECT_EQ(array.error().code, Errc::malformed) << b.name;
    EXPECT_NE(array.error().message.find(b.reason), std::string::npos)
        << b.name << ": " << array.error().message;
  }
}

}  // namespace
}  // namespace etalon::golden
