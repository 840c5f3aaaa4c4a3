// Memory for large pieces.
#include "etalon/pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/page_pool.hpp"
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

TEST(Pages, KeptPiecesComeBackAndArraysBeginWithZeros) {
  keep_free_pages(std::size_t{8} << 20);
  const std::size_t size = (std::size_t{2} << 20) + 5;
  auto first = page_array<std::uint8_t>(size), second = page_array<std::uint8_t>(size),
       third = page_array<std::uint8_t>(size);
  const std::uint8_t* const where = second.get();
  std::memset(second.get(), 9, size);
  first.reset();
  second.reset();  // 8 MiB are kept
  third.reset();
  const auto again = page_array<std::uint8_t>(size - 1);  // of as many pages
  EXPECT_EQ(again.get(), where);
  const Array zeros(DType::u8, {size});
  const auto all = zeros.as<std::uint8_t>();
  EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](std::uint8_t v) { return v == 0; }));
  keep_free_pages(0);
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
