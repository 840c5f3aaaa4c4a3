#include "etalon/regions.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace etalon {
namespace {

std::size_t area(const Region& r) {
  return std::accumulate(r.where.begin(), r.where.end(), std::size_t{0});
}

TEST(Bounds, ParseAndPrint) {
  EXPECT_EQ(*parse_bound("lossless"), Bound::lossless());
  EXPECT_EQ(*parse_bound("abs:2.5"), Bound::abs(2.5));
  EXPECT_EQ(to_string(Bound::abs(0.1)), "abs:0.1");
  for (const char* text : {"", "abs", "abs:", "abs:x", "abs:-1", "abs:nan", "abs:inf", "abs:1 ",
                           "Lossless", "lossless:1", "rel:1e-3", "sigma:1", "ratio:10"}) {
    const auto b = parse_bound(text);
    ASSERT_FALSE(b.ok()) << text;
    EXPECT_EQ(b.error().code, Errc::usage);
    EXPECT_NE(b.error().message.find(std::string("'") + text), std::string::npos);
  }
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
        "box:y=0..4,x=0..1@rel:1"})
    EXPECT_FALSE(parse_region(text).ok()) << text;
}

TEST(Regions, Membership) {
  const auto box = box_region(*parse_region("box:y=1..3,x=2..100@lossless"), 4, 5);
  ASSERT_TRUE(box.ok());
  EXPECT_EQ(area(*box), 6u);
  EXPECT_EQ(box->where[1 * 5 + 2], 1);
  EXPECT_EQ(box->where[3 * 5 + 2], 0);
  const auto ring = annulus_region(*parse_region("annulus:r=1..2,centre=2/2@abs:1"), 5, 5);
  ASSERT_TRUE(ring.ok());
  EXPECT_EQ(area(*ring), 8u);
  EXPECT_EQ(ring->where[2 * 5 + 2], 0);
  EXPECT_EQ(ring->where[2 * 5 + 4], 0);
  Peak inside, corner, outside;
  inside.x = 4.4F, inside.y = 3.6F;
  outside.x = -50, outside.y = 4;
  const std::vector<Peak> peaks = {inside, corner, outside};
  const Region spots = peaks_region(peaks, 1, 8, 9, Bound::lossless());
  EXPECT_EQ(area(spots), 9u + 4u);
  EXPECT_EQ(spots.where[4 * 9 + 4], 1);
}

}  // namespace
}  // namespace etalon
