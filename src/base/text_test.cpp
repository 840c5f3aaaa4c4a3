#include "base/text.hpp"

#include <gtest/gtest.h>

namespace etalon {
namespace {

TEST(Text, BytesAsDigits) {
  EXPECT_EQ(hex({}), "");
  EXPECT_EQ(hex(bytes_of(std::string_view("\x00\x7f\xa5\xff", 4))), "007fa5ff");
}

TEST(Text, OneIsNoPlural) {
  EXPECT_EQ(counted(0, "frame"), "0 frames");
  EXPECT_EQ(counted(1, "frame"), "1 frame");
  EXPECT_EQ(counted(2, "frame"), "2 frames");
}

TEST(Text, RatioOfNothing) {
  EXPECT_EQ(ratio(3, 2), 1.5);
  EXPECT_EQ(ratio(3, 0), 0);
  EXPECT_EQ(ratio(3, 0, -1), -1);
}

}  // namespace
}  // namespace etalon
