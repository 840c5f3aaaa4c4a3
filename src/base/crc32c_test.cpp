#include "base/crc32c.hpp"

#include <gtest/gtest.h>

#include <random>

namespace etalon {
namespace {

TEST(Crc32c, CheckValues) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c_ref(bytes_of("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c({}), 0U);
  // RFC 3720 appendix B.4.
  EXPECT_EQ(crc32c(Bytes(32)), 0x8A9136AAU);
  EXPECT_EQ(crc32c(Bytes(32, std::byte{0xFF})), 0x62A8AB43U);
  Bytes rising(32);
  for (std::size_t i = 0; i < 32; ++i) rising[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c(rising), 0x46DD794EU);
}

TEST(Crc32c, HardwareEqualsReferenceAtEveryLengthAndAlignment) {
  std::mt19937 random(3);
  Bytes bytes(1024);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  for (std::size_t begin = 0; begin < 9; ++begin)
    for (std::size_t n = 0; begin + n <= bytes.size(); n += n < 40 ? 1 : 37) {
      const ByteSpan part = ByteSpan(bytes).subspan(begin, n);
      ASSERT_EQ(crc32c(part, 77), crc32c_ref(part, 77)) << begin << " " << n;
    }
}

TEST(Crc32c, LongBytesToo) {
  std::mt19937 random(4);
  Bytes bytes(20000);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  for (std::size_t n : {3071, 3072, 3073, 3080, 6143, 6144, 9300, 19999, 20000})
    for (std::size_t begin : {0, 1, 7})
      if (begin + n <= bytes.size()) {
        const ByteSpan part = ByteSpan(bytes).subspan(begin, n);
        ASSERT_EQ(crc32c(part, 1), crc32c_ref(part, 1)) << begin << " " << n;
      }
}

TEST(Crc32c, ContinuesAnEarlierChecksum) {
  const ByteSpan all = bytes_of("the quick brown fox");
  for (std::size_t cut = 0; cut <= all.size(); ++cut)
    EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all));
}

}  // namespace
}  // namespace etalon
