#include "frame/point_group.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace etalon {
namespace {

TEST(PointGroup, HasAsManyRotationsAsItsName) {
  const std::map<std::string, std::size_t> orders{{"1", 1},   {"2", 2},    {"222", 4}, {"4", 4},
                                                  {"422", 8}, {"3", 3},    {"321", 6}, {"312", 6},
                                                  {"6", 6},   {"622", 12}, {"23", 12}, {"432", 24}};
  for (const auto& [name, order] : orders) {
    const auto group = PointGroup::named(name);
    ASSERT_TRUE(group.ok()) << name;
    EXPECT_EQ(group->order(), order) << name;
  }
  EXPECT_EQ(PointGroup::named("4/mmm")->name(), "422");
  EXPECT_EQ(PointGroup::named("p4").error().code, Errc::usage);
}

TEST(PointGroup, RepresentativesAreOnesOfWholeOrbits) {
  for (const char* name : {"1", "2", "222", "422", "321", "622", "432"}) {
    const PointGroup group = PointGroup::named(name).value();
    std::map<Miller, std::set<Miller>> orbits;
    for (int h = -3; h <= 3; ++h)
      for (int k = -3; k <= 3; ++k)
        for (int l = -3; l <= 3; ++l) {
          const Miller index{h, k, l};
          for (const auto& operation : group.operations()) {
            EXPECT_EQ(group.representative(operation * index), group.representative(index));
            EXPECT_EQ(group.rotated_representative(operation * index),
                      group.rotated_representative(index));
          }
          orbits[group.representative(index)].insert(index);
        }
    EXPECT_EQ(group.representative({1, 2, 3}), group.representative({-1, -2, -3}));
    // A general reflection and its mates.
    std::set<Miller> mates;
    for (const auto& operation : group.operations()) {
      mates.insert(operation * Miller{1, 2, 4});
      const Miller mate = operation * Miller{1, 2, 4};
      mates.insert({-mate[0], -mate[1], -mate[2]});
    }
    EXPECT_EQ(mates.size(), 2 * group.order()) << name;
  }
}

TEST(PointGroup, FitsOnlyCellsOfItsMetric) {
  const UnitCell tetragonal{79.1, 79.1, 37.9, 90, 90, 90}, other{79.1, 80.1, 37.9, 90, 90, 90};
  EXPECT_TRUE(PointGroup::named("422")->fits(tetragonal).ok());
  EXPECT_FALSE(PointGroup::named("422")->fits(other).ok());
  EXPECT_TRUE(PointGroup::named("222")->fits(other).ok());
  EXPECT_FALSE(PointGroup::named("622")->fits(tetragonal).ok());
  EXPECT_TRUE(PointGroup::named("622")->fits({93, 93, 131, 90, 90, 120}).ok());
}

TEST(UnitCell, InverseIsOne) {
  const Matrix3 b = reciprocal_basis({27.2, 31.9, 34.3, 88.5, 108.6, 111.9});
  const Matrix3 one = inverse(b) * b;
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(one[i], i % 4 == 0 ? 1 : 0, 1e-12);
  EXPECT_NEAR(determinant(b) * volume({27.2, 31.9, 34.3, 88.5, 108.6, 111.9}), 1, 1e-12);
}

}  // namespace
}  // namespace etalon
