#include "analyse/panel_statistics.hpp"

#include <gtest/gtest.h>

#include <random>

namespace etalon {
namespace {

constexpr std::size_t ny = 40, nx = 60;

SeriesInfo two_panels() {
  SeriesInfo info;
  info.dtype = DType::u16;
  info.geometry.ny = ny;
  info.geometry.nx = nx;
  info.geometry.panels = {{0, ny, 0, 30}, {0, ny, 30, nx}};
  info.pixel_mask.assign(ny * nx, 0);
  info.pixel_mask[5] = 1;
  return info;
}

// Poisson numbers: 4 photons of 1 unit on the left, 9 photons of 3 units on the right.
Powder counted(std::size_t frames) {
  auto powder = Powder::create(two_panels());
  std::mt19937 random(3);
  std::poisson_distribution<int> left(4), right(9);
  Array image(DType::u16, {ny, nx});
  for (std::size_t i = 0; i < frames; ++i) {
    for (std::size_t k = 0; k < ny * nx; ++k)
      image.as<std::uint16_t>()[k] =
          static_cast<std::uint16_t>(k % nx < 30 ? left(random) : 3 * right(random));
    image.as<std::uint16_t>()[5] = 60000;                  // masked
    image.as<std::uint16_t>()[nx + 7] = 0;                 // dead
    image.as<std::uint16_t>()[2 * nx + 40] = 77;           // stuck
    image.as<std::uint16_t>()[3 * nx + 41] = i ? 0 : 900;  // hit once
    EXPECT_TRUE(powder->add(image.view()).ok());
  }
  return std::move(powder).value();
}

TEST(PanelStatistics, SayWhatEachPanelDid) {
  const auto panels = panel_statistics(counted(400));
  ASSERT_TRUE(panels.ok()) << panels.error().message;
  ASSERT_EQ(panels->size(), 2u);
  const PanelStatistics &left = (*panels)[0], &right = (*panels)[1];
  EXPECT_EQ(left.panel, (Panel{0, ny, 0, 30}));
  EXPECT_EQ(left.good_pixels, 30 * ny - 1);
  EXPECT_EQ(right.good_pixels, 30 * ny);
  EXPECT_EQ(left.dead_pixels, 1u);
  EXPECT_EQ(right.dead_pixels, 0u);
  EXPECT_EQ(left.constant_pixels, 0u);
  EXPECT_EQ(right.constant_pixels, 1u);
  EXPECT_NEAR(left.median, 4, 0.05);
  EXPECT_NEAR(left.mean, 4, 0.05);
  EXPECT_NEAR(left.low, 4 - 2.33 * 2 / 20, 0.06);
  EXPECT_NEAR(left.high, 4 + 2.33 * 2 / 20, 0.06);
  EXPECT_NEAR(left.variance_over_mean, 1, 0.02);
  EXPECT_NEAR(right.median, 27, 0.15);
  EXPECT_NEAR(right.variance_over_mean, 3, 0.1);
  EXPECT_EQ(right.max, 900);
  EXPECT_LT(left.max, 30);
}

TEST(PanelStatistics, WithoutPanelsTheImageIsOne) {
  SeriesInfo info = two_panels();
  info.geometry.panels.clear();
  info.pixel_mask.assign(ny * nx, 1);
  const auto none = panel_statistics(*Powder::create(info));
  ASSERT_TRUE(none.ok());
  ASSERT_EQ(none->size(), 1u);
  EXPECT_EQ((*none)[0].good_pixels, 0u);
  EXPECT_EQ((*none)[0].mean, 0);
}

TEST(PanelStatistics, RefuseAPanelOutsideTheImage) {
  SeriesInfo info = two_panels();
  info.geometry.panels[1].x1 = nx + 1;
  const auto refused = panel_statistics(*Powder::create(info));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::malformed);
  EXPECT_NE(refused.error().message.find("panel 1"), std::string::npos);
}

}  // namespace
}  // namespace etalon
