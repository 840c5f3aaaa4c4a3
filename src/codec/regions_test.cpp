#include "etalon/regions.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace etalon {
namespace {

std::size_t area(const std::vector<std::uint8_t>& inside) {
  return std::accumulate(inside.begin(), inside.end(), std::size_t{0});
}

TEST(Regions, Parse) {
  const auto r = parse_region("peaks:file=a@b.csv,half=4@abs:2");
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_EQ(r->kind, "peaks");
  EXPECT_EQ(r->get("file"), "a@b.csv");
  EXPECT_EQ(r->get("half"), "4");
  EXPECT_EQ(r->get("none"), "");
  EXPECT_EQ(r->bound, Bound::abs(2));
  for (const char* text :
       {"", "box", "box@lossless", "box:y=0..4@lossless", "box:y=4..0,x=0..1@lossless",
        "box:y=0..4,x=0..1", "box:y=0..4,x=0..1,z=1@abs:1", "box:y=0..4,y=0..4@abs:1",
        "disc:r=1@abs:1", "annulus:r=5..2,centre=1/1@abs:1", "annulus:r=1..2,centre=1@abs:1",
        "mask@abs:1", "peaks:file=p,half=x@abs:1", "box:y=0..4,x=0..1,@abs:1",
        "box:y=0..4,x=0..1@psnr:1"})
    EXPECT_FALSE(parse_region(text).ok()) << text;
}

TEST(Regions, Membership) {
  const auto box = box_region(*parse_region("box:y=1..3,x=2..100@lossless"), 4, 5);
  ASSERT_TRUE(box.ok());
  EXPECT_EQ(area(box->where), 6u);
  EXPECT_EQ(box->where[1 * 5 + 2], 1);
  EXPECT_EQ(box->where[3 * 5 + 2], 0);
  const auto ring = annulus_region(*parse_region("annulus:r=1..2,centre=2/2@abs:1"), 5, 5);
  ASSERT_TRUE(ring.ok());
  EXPECT_EQ(area(ring->where), 8u);
  EXPECT_EQ(ring->where[2 * 5 + 2], 0);
  EXPECT_EQ(ring->where[2 * 5 + 4], 0);
  Peak inside, corner, outside;
  inside.x = 4.4F, inside.y = 3.6F;
  outside.x = -50, outside.y = 4;
  const std::vector<Peak> peaks = {inside, corner, outside};
  const Region spots = peaks_region(peaks, 1, 8, 9, Bound::lossless());
  const auto covered = spots.members(8, 9);
  EXPECT_EQ(area(covered), 9u + 4u);
  EXPECT_EQ(covered[4 * 9 + 4], 1);
}

}  // namespace
}  // namespace etalon
