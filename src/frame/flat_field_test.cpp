#include "frame/flat_field.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace etalon {
namespace {

TEST(FlatField, GivesTheShareOfTheBeam) {
  const std::vector<float> dark = {100, 110, 90, 100}, flat = {1124, 622, 2138, 1124};
  const auto field = FlatField::create(dark, flat);
  ASSERT_TRUE(field.ok());
  Array raw(DType::u16, {2, 2}), out(DType::f32, {2, 2}), small(DType::f32, {1, 2});
  std::ranges::copy(std::array{612, 622, 90, 50}, raw.as<std::uint16_t>().begin());
  ASSERT_TRUE(field->apply(raw.view(), out.mutable_view()).ok());
  EXPECT_TRUE(std::ranges::equal(out.as<float>(), std::array{0.5F, 1.0F, 0.0F, -50.0F / 1024}));
  EXPECT_EQ(field->apply(raw.view(), small.mutable_view()).error().code, Errc::usage);
  EXPECT_EQ(field->apply(raw.view(), raw.mutable_view()).error().code, Errc::usage);
  EXPECT_EQ(field->mask(), (Mask{1, 1, 1, 1}));
}

TEST(FlatField, DeadPixelsAreMasked) {
  const float nan = std::nanf("");
  const std::vector<float> dark = {0, 0, 0, 0, nan, 10, 0};
  const std::vector<float> flat = {1000, 1000, 1000, 99, 1000, 5, INFINITY};
  const auto field = FlatField::create(dark, flat);
  ASSERT_TRUE(field.ok());
  EXPECT_EQ(field->mask(), (Mask{1, 1, 1, 0, 0, 0, 0}));
  Array raw(DType::f32, {1, 7}), out(DType::f32, {1, 7});
  std::ranges::copy(flat, raw.as<float>().begin());
  ASSERT_TRUE(field->apply(raw.view(), out.mutable_view()).ok());
  for (std::size_t i = 3; i < 7; ++i) EXPECT_TRUE(std::isnan(out.as<float>()[i])) << i;
}

TEST(FlatField, RefusesWhatIsNone) {
  const std::vector<float> three(3, 1.0F), two(2, 2.0F);
  EXPECT_EQ(FlatField::create(three, two).error().code, Errc::usage);
  EXPECT_EQ(FlatField::create(three, three).error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
