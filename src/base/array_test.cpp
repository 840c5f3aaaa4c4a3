#include "etalon/array.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace etalon {
namespace {

constexpr DType all_types[] = {DType::u8,  DType::u16, DType::u32, DType::u64, DType::i8,
                               DType::i16, DType::i32, DType::i64, DType::f32, DType::f64};

TEST(DType, NamesAreReadBack) {
  for (const DType type : all_types) {
    EXPECT_EQ(*parse_dtype(name_of(type)), type);
    EXPECT_TRUE(is_dtype(static_cast<std::uint8_t>(type)));
  }
  EXPECT_EQ(*parse_dtype("uint16"), DType::u16);
  EXPECT_EQ(*parse_dtype("<u2"), DType::u16);
  EXPECT_EQ(*parse_dtype("|i1"), DType::i8);
  EXPECT_EQ(*parse_dtype("float64"), DType::f64);
  EXPECT_FALSE(is_dtype(0));
  EXPECT_FALSE(is_dtype(11));
}

TEST(DType, OtherNamesAreUsageErrors) {
  for (const char* name : {"", "u", "U16", ">u2", "float16", "u16 ", "int"}) {
    const auto type = parse_dtype(name);
    ASSERT_FALSE(type.ok()) << name;
    EXPECT_EQ(type.error().code, Errc::usage);
  }
}

TEST(DType, VisitGivesTheType) {
  for (const DType type : all_types)
    visit(type, [&](auto zero) {
      using T = decltype(zero);
      EXPECT_EQ(DTypeOf<T>::value, type);
      EXPECT_EQ(sizeof(T), size_of(type));
      EXPECT_EQ(std::is_floating_point_v<T>, is_float(type));
      EXPECT_EQ(std::is_signed_v<T>, is_signed(type));
    });
}

TEST(Shape, TextIsReadBack) {
  EXPECT_EQ(*parse_shape("100,1065,1030"), (Shape{100, 1065, 1030}));
  EXPECT_EQ(*parse_shape("100x1065x1030"), (Shape{100, 1065, 1030}));
  EXPECT_EQ(*parse_shape("0"), Shape{0});
  EXPECT_EQ(to_string(Shape{1, 2, 3, 4, 5, 6}), "1x2x3x4x5x6");
  EXPECT_EQ(to_string(Shape{}), "scalar");
}

TEST(Shape, BadTextIsUsage) {
  for (const char* text : {"", ",", "1,", ",1", "1,,2", "-1", "1.5", "a", "1 2", "1x2y3",
                           "1,2,3,4,5,6,7", "99999999999999999999", "4294967296,4294967296"}) {
    const auto shape = parse_shape(text);
    ASSERT_FALSE(shape.ok()) << text;
    EXPECT_EQ(shape.error().code, Errc::usage) << text;
  }
}

TEST(Shape, CountSaturates) {
  EXPECT_EQ(Shape{}.count(), 1U);
  EXPECT_EQ((Shape{3, 0, 5}).count(), 0U);
  const std::size_t half = std::size_t{1} << 40;  // of what overflows
  EXPECT_EQ((Shape{half, half, 0}).count(), 0U);
  EXPECT_EQ((Shape{half, half, 1}).count(), std::numeric_limits<std::size_t>::max());
  EXPECT_EQ((Shape{SIZE_MAX, 2}).count(), SIZE_MAX);
}

TEST(Array, StartsZeroedAndKeepsCOrder) {
  Array array(DType::u16, {2, 2, 3});
  for (const std::uint16_t v : array.as<std::uint16_t>()) EXPECT_EQ(v, 0);
  array.as<std::uint16_t>()[7] = 9;  // [1][0][1]
  EXPECT_EQ(array.view()[1][0].as<std::uint16_t>()[1], 9);
  EXPECT_EQ(array.view()[1].shape, (Shape{2, 3}));
  EXPECT_EQ(array.view().size_bytes(), 24U);
}

TEST(Array, CopiesAreEqualAndMovedOnesAreEmpty) {
  Array array = Array::unset(DType::u32, {3});
  std::iota(array.as<std::uint32_t>().begin(), array.as<std::uint32_t>().end(), 5U);
  Array copy = array;
  copy.as<std::uint32_t>()[0] = 9;
  EXPECT_EQ(array.as<std::uint32_t>()[0], 5U);
  const Array moved = std::move(copy);
  EXPECT_EQ(moved.as<std::uint32_t>()[0], 9U);
  EXPECT_EQ(copy.count(), 0U);
  array = moved;
  EXPECT_EQ(array.as<std::uint32_t>()[2], 7U);
  EXPECT_THROW(Array(DType::f64, {SIZE_MAX / 4}), std::bad_alloc);
}

TEST(Array, AnEmptyOneHasNoElements) {
  EXPECT_EQ(Array().count(), 0U);
  EXPECT_TRUE(Array().view().bytes().empty());
}

}  // namespace
}  // namespace etalon
