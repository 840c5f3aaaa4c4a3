#include "frame/flat_field.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace etalon {
namespace {

TEST(FlatField, GivesTheShareOfTheBeam) {
  const std::vector<float> dark = {100, 110, 90, 100}, flat = {1124, 622, 2138, 1124};
  const auto field = FlatField::create(dark, flat);
  ASSERT_TRUE(field.ok());
  const std::vector<std::uint16_t> raw = {612, 622, 90, 50};
  std::vector<float> out(4);
  field->apply<std::uint16_t>(raw, out);
  EXPECT_EQ(out, (std::vector<float>{0.5F, 1, 0, -50.0F / 1024}));
  EXPECT_EQ(field->mask(), (Mask{1, 1, 1, 1}));
}

TEST(FlatField, DeadPixelsAreMasked) {
  const float nan = std::nanf("");
  const std::vector<float> dark = {0, 0, 0, 0, nan, 10, 0};
  const std::vector<float> flat = {1000, 1000, 1000, 99, 1000, 5, INFINITY};
  const auto field = FlatField::create(dark, flat);
  ASSERT_TRUE(field.ok());
  EXPECT_EQ(field->mask(), (Mask{1, 1, 1, 0, 0, 0, 0}));
  std::vector<float> out(7);
  field->apply<float>(flat, out);
  for (std::size_t i = 3; i < 7; ++i) EXPECT_TRUE(std::isnan(out[i])) << i;
}

TEST(FlatField, RefusesWhatIsNone) {
  const std::vector<float> three(3, 1.0F), two(2, 2.0F);
  EXPECT_EQ(FlatField::create(three, two).error().code, Errc::usage);
  EXPECT_EQ(FlatField::create(three, three).error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
