#include "store/zip_writer.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "store/folder_test.hpp"

namespace etalon {
namespace {

class Zip : public TestFolder {
 protected:
  // Date and time of the only member, as its header has them.
  std::pair<unsigned, unsigned> written(std::int64_t time_s) {
    auto out = OutputFile::create(path("a.zip"), true);
    EXPECT_TRUE(out.ok());
    ZipWriter zip(*out);
    EXPECT_TRUE(
        zip.add({"a", 0, 0, time_s}, [](const ZipWriter::Sink&) { return Result<void>(); }).ok());
    EXPECT_TRUE(zip.finish().ok());
    EXPECT_TRUE(out->commit().ok());
    const auto bytes = read_file(path("a.zip"));
    EXPECT_TRUE(bytes.ok() && bytes->size() > 14);
    const auto at = [&](std::size_t i) {
      return std::to_integer<unsigned>((*bytes)[i]) | std::to_integer<unsigned>((*bytes)[i + 1])
                                                          << 8;
    };
    return {at(12), at(10)};
  }
};

constexpr unsigned date(unsigned year, unsigned month, unsigned day) {
  return (year - 1980) << 9 | month << 5 | day;
}

TEST_F(Zip, TimesThatItCannotSayAreTheNearestThatItCan) {
  EXPECT_EQ(written(1767323045), std::pair(date(2026, 1, 2), 3U << 11 | 4U << 5 | 2U));
  const auto first = std::pair(date(1980, 1, 1), 0U);
  EXPECT_EQ(written(-1), first);
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), first);
  const auto last = std::pair(date(2107, 12, 31), 23U << 11 | 59U << 5 | 29U);
  EXPECT_EQ(written(4354819199), last);
  EXPECT_EQ(written(4354819200), last);
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::max()), last);
}

}  // namespace
}  // namespace etalon
