// Memory for large pieces.
#include "etalon/pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "etalon/array.hpp"

namespace etalon {
namespace {

TEST(Pages, AreWholeAndLargeOnesBeginWithAPage) {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{1} << 22, (std::size_t{1} << 23) + 12345}) {
    const auto memory = page_array<std::uint8_t>(bytes);
    ASSERT_NE(memory.get(), nullptr);
    std::memset(memory.get(), 7, bytes);
    const auto address = reinterpret_cast<std::uintptr_t>(memory.get());
    EXPECT_TRUE(bytes < std::size_t{1} << 22 || address % (std::size_t{1} << 21) == 0);
  }
}

TEST(Pages, TooManyAreBadAlloc) {
  EXPECT_THROW(page_array<double>(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
}

TEST(Pages, ArraysBeginWithZeros) {
  for (int round = 0; round < 3; ++round) {  // in memory that was used before, too
    Array a(DType::u8, Shape{3, 2048, 1024});
    const auto all = a.as<std::uint8_t>();
    EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](std::uint8_t v) { return v == 0; }));
    std::memset(all.data(), 1, all.size());
  }
}

}  // namespace
}  // namespace etalon
