#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"

namespace etalon {
namespace {

TEST(Bytes, WhatIsPutIsRead) {
  ByteWriter out;
  out.put<std::uint32_t>(0x01020304);
  out.put(1.5F);
  out.put_varint(300);
  out.append(bytes_of("xyz"));
  EXPECT_EQ(out.buffer()[0], std::byte{4});  // little-endian
  ByteReader in(out.buffer());
  EXPECT_EQ(*in.get<std::uint32_t>(), 0x01020304U);
  EXPECT_EQ(*in.get<float>(), 1.5F);
  EXPECT_EQ(*in.get_varint(), 300U);
  EXPECT_EQ(text_of(*in.take(3)), "xyz");
  EXPECT_TRUE(in.done());
}

TEST(Bytes, PatchOverwrites) {
  ByteWriter out;
  out.put<std::uint16_t>(1);
  out.put<std::uint16_t>(2);
  out.patch<std::uint16_t>(2, 7);
  EXPECT_EQ(out.take(), (Bytes{std::byte{1}, std::byte{0}, std::byte{7}, std::byte{0}}));
}

TEST(Bytes, AShortReadNamesItsOffsetAndMovesNothing) {
  const Bytes three(3);
  ByteReader in(three);
  ASSERT_TRUE(in.get<std::uint8_t>().ok());
  const auto four = in.get<std::uint32_t>();
  ASSERT_FALSE(four.ok());
  EXPECT_EQ(four.error().code, Errc::malformed);
  EXPECT_EQ(four.error().message, "offset 1: truncated: 4 bytes wanted, 2 left");
  EXPECT_FALSE(in.take(SIZE_MAX).ok());
  EXPECT_EQ(in.left(), 2U);
}

TEST(Bytes, VarintsAreShortest) {
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                std::uint64_t{1} << 63, UINT64_MAX}) {
    ByteWriter out;
    out.put_varint(n);
    ByteReader in(out.buffer());
    EXPECT_EQ(*in.get_varint(), n);
    EXPECT_TRUE(in.done());
  }
  const auto read = [](std::initializer_list<int> bytes) {
    Bytes b;
    for (const int x : bytes) b.push_back(static_cast<std::byte>(x));
    return ByteReader(b).get_varint();
  };
  EXPECT_FALSE(read({}).ok());
  EXPECT_FALSE(read({0x80}).ok());
  EXPECT_FALSE(read({0x80, 0x00}).ok());                                      // zero in two bytes
  EXPECT_FALSE(read({255, 255, 255, 255, 255, 255, 255, 255, 255, 2}).ok());  // 65 bits
  EXPECT_FALSE(read({255, 255, 255, 255, 255, 255, 255, 255, 255, 129, 0}).ok());
  EXPECT_EQ(*read({255, 255, 255, 255, 255, 255, 255, 255, 255, 1}), UINT64_MAX);
}

TEST(Utf8, TheFirstBadByteIsFound) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\u00fc\u6c34\U00010151"));
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
  EXPECT_EQ(utf8_error("ab\x80"), 2U);
  EXPECT_EQ(utf8_error("a\xE6\xB0"), 1U);     // cut short
  EXPECT_EQ(utf8_error("\xC0\x80"), 0U);      // overlong
  EXPECT_EQ(utf8_error("\xE0\x9F\xBF"), 0U);  // overlong
  EXPECT_EQ(utf8_error("\xED\xA0\x80"), 0U);  // a surrogate
  EXPECT_EQ(utf8_error("\xF0\x8F\xBF\xBF"), 0U);
  EXPECT_EQ(utf8_error("\xF4\x90\x80\x80"), 0U);
  EXPECT_EQ(utf8_error("\xF5\x80\x80\x80"), 0U);
  EXPECT_TRUE(is_utf8("\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80"));
}

TEST(Utf8, BadBytesAreReplaced) {
  EXPECT_EQ(to_utf8("plain"), "plain");
  EXPECT_EQ(to_utf8("\xFFx\xE6\xB0"), "\uFFFDx\uFFFD\uFFFD");
  EXPECT_TRUE(is_utf8(to_utf8("\x80\xC3\xBC\xC3")));
}

}  // namespace
}  // namespace etalon
