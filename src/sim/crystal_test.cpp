#include "sim/crystal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/random.hpp"

namespace etalon {
namespace {

TEST(UnitCell, ParsesAndRefuses) {
  EXPECT_EQ(parse_cell("79.1,79.1,37.9,90,90,90").value(), UnitCell{});
  for (const char* text :
       {"", "1,2,3", "79.1,79.1,37.9,90,90", "79.1,79.1,37.9,90,90,90,", "79.1,79.1,x,90,90,90",
        "79.1,79.1,37.9,90,90,190", "0,79.1,37.9,90,90,90", "nan,79.1,37.9,90,90,90",
        "50,50,50,60,60,150", "79.1;79.1;37.9;90;90;90"}) {
    const auto cell = parse_cell(text);
    ASSERT_FALSE(cell.ok()) << text;
    EXPECT_EQ(cell.error().code, Errc::usage);
  }
}

TEST(UnitCell, ReciprocalBasisInvertsTheCell) {
  const UnitCell cell{31, 47, 59, 77, 98, 111};
  const Matrix3 b = reciprocal_basis(cell);
  // The metric of the reciprocal basis, inverted by cofactors, is the metric of the cell.
  std::array<std::array<double, 3>, 3> g{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) g[i][j] += b[3 * k + i] * b[3 * k + j];
  const double det = g[0][0] * (g[1][1] * g[2][2] - g[1][2] * g[2][1]) -
                     g[0][1] * (g[1][0] * g[2][2] - g[1][2] * g[2][0]) +
                     g[0][2] * (g[1][0] * g[2][1] - g[1][1] * g[2][0]);
  EXPECT_NEAR(std::sqrt((g[1][1] * g[2][2] - g[1][2] * g[2][1]) / det), cell.a, 1e-9);
  EXPECT_NEAR(std::sqrt((g[0][0] * g[2][2] - g[0][2] * g[2][0]) / det), cell.b, 1e-9);
  EXPECT_NEAR(std::sqrt((g[0][0] * g[1][1] - g[0][1] * g[1][0]) / det), cell.c, 1e-9);
  const double ab = (g[0][2] * g[1][2] - g[0][1] * g[2][2]) / det;
  EXPECT_NEAR(std::acos(ab / (cell.a * cell.b)) * 180 / std::acos(-1.0), cell.gamma, 1e-9);
  EXPECT_NEAR(1 / std::sqrt(det), volume(cell), 1e-6);
}

TEST(Symmetry, GroupsOfTheSixLattices) {
  const std::pair<UnitCell, std::pair<const char*, std::size_t>> cases[] = {
      {{40, 50, 60, 80, 85, 95}, {"P 1", 1}},      {{40, 50, 60, 90, 95, 90}, {"P 1 2 1", 2}},
      {{40, 50, 60, 90, 90, 90}, {"P 2 2 2", 4}},  {{40, 40, 60, 90, 90, 90}, {"P 43 21 2", 8}},
      {{40, 40, 40, 90, 90, 90}, {"P 4 3 2", 24}}, {{40, 40, 60, 90, 90, 120}, {"P 6 2 2", 12}}};
  for (const auto& [cell, expected] : cases) {
    const Symmetry symmetry(cell);
    EXPECT_EQ(symmetry.space_group(), expected.first);
    EXPECT_EQ(symmetry.order(), expected.second);
    // Equivalent reflections have the same length under this metric.
    const Matrix3 b = reciprocal_basis(cell);
    const auto length = [&](const Miller& h) {
      const Vector3 q = b * Vector3{double(h[0]), double(h[1]), double(h[2])};
      return q[0] * q[0] + q[1] * q[1] + q[2] * q[2];
    };
    for (const Miller& h : {Miller{1, 2, 3}, Miller{-4, 1, 7}, Miller{0, 5, -2}})
      EXPECT_NEAR(length(symmetry.representative(h)) / length(h), 1, 1e-9) << expected.first;
  }
}

TEST(Symmetry, TetragonalCentricZonesAndAbsences) {
  const Symmetry symmetry{UnitCell{}};
  EXPECT_TRUE(symmetry.is_centric({1, 2, 0}) && symmetry.is_centric({0, 3, 5}) &&
              symmetry.is_centric({3, -3, 5}));
  EXPECT_FALSE(symmetry.is_centric({1, 2, 3}));
  EXPECT_TRUE(symmetry.is_absent({0, 0, 2}) && symmetry.is_absent({3, 0, 0}) &&
              symmetry.is_absent({0, -5, 0}));
  EXPECT_FALSE(symmetry.is_absent({0, 0, 4}) || symmetry.is_absent({2, 0, 0}) ||
               symmetry.is_absent({1, 2, 0}));
  EXPECT_EQ(symmetry.epsilon({0, 0, 4}), 4U);
  EXPECT_EQ(symmetry.epsilon({2, 0, 0}), 2U);
  EXPECT_EQ(symmetry.epsilon({1, 2, 3}), 1U);
}

class StructureFactors : public testing::Test {
 protected:
  static constexpr double b_factor = 20;
  UnitCell cell_;
  std::vector<Reflection> list_ =
      structure_factors(cell_, {.intensity = 1000, .b_factor = b_factor, .d_min_angstrom = 2.0}, 3)
          .value();
  double q2(const Miller& h) const {
    const Vector3 q = reciprocal_basis(cell_) * Vector3{double(h[0]), double(h[1]), double(h[2])};
    return q[0] * q[0] + q[1] * q[1] + q[2] * q[2];
  }
};

TEST_F(StructureFactors, FillTheSphere) {
  const double points = volume(cell_) * 4.0 / 3 * 3.14159265358979 / 8;
  EXPECT_NEAR(static_cast<double>(list_.size()) / points, 1, 0.01);
}

TEST_F(StructureFactors, EquivalentReflectionsAreEqual) {
  const Symmetry symmetry(cell_);
  std::map<Miller, float> seen;
  std::size_t repeated = 0;
  for (const Reflection& r : list_) {
    const auto [at, fresh] = seen.emplace(symmetry.representative(r.index), r.intensity);
    // q^2 of mates may differ in its last bits.
    EXPECT_NEAR(at->second, r.intensity, 1e-5F * r.intensity);
    repeated += fresh ? 0 : 1;
  }
  EXPECT_GT(repeated, list_.size() * 14 / 16);
}

// Unique reflections only: mates carry no information of their own.
TEST_F(StructureFactors, FollowWilson) {
  const Symmetry symmetry(cell_);
  struct Shell {
    double n = 0, sum = 0, square = 0;
  };
  std::array<Shell, 8> acentric{};
  Shell all_acentric, centric;
  for (const Reflection& r : list_) {
    if (symmetry.representative(r.index) != r.index) continue;
    const double s2 = q2(r.index);
    const double z =
        static_cast<double>(r.intensity) / (1000 * r.epsilon * std::exp(-b_factor * s2 / 2));
    const auto add = [z](Shell& shell) {
      shell.n += 1;
      shell.sum += z;
      shell.square += z * z;
    };
    if (r.centric) {
      add(centric);
    } else {
      add(all_acentric);
      add(acentric[static_cast<std::size_t>(std::min(7.0, s2 * 4 * 8))]);
    }
  }
  EXPECT_GT(all_acentric.n, 5000);
  for (const Shell& shell : acentric)
    if (shell.n > 20) {
      EXPECT_NEAR(shell.sum / shell.n, 1, 4.5 / std::sqrt(shell.n));
    }
  const auto moment = [](const Shell& s) { return s.square * s.n / (s.sum * s.sum); };
  EXPECT_NEAR(moment(all_acentric), 2, 0.12);  // <I^2> / <I>^2
  EXPECT_NEAR(moment(centric), 3, 0.5);
  EXPECT_NEAR(centric.sum / centric.n, 1, 4.5 * std::sqrt(2 / centric.n));
}

TEST_F(StructureFactors, SeedsDiffer) {
  const auto other =
      structure_factors(cell_, {.intensity = 1000, .b_factor = b_factor, .d_min_angstrom = 2.0}, 4);
  ASSERT_TRUE(other.ok());
  ASSERT_EQ(other->size(), list_.size());
  std::size_t equal = 0;
  for (std::size_t i = 0; i < list_.size(); ++i)
    equal += (*other)[i].intensity == list_[i].intensity ? 1 : 0;
  EXPECT_LT(equal, 10U);
}

TEST(StructureFactorsLimits, TooManyAreRefused) {
  const UnitCell large{2000, 2000, 2000, 90, 90, 90};
  const auto list = structure_factors(large, {.d_min_angstrom = 1}, 1);
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().code, Errc::usage);
}

TEST(Rotation, IsProperAndUniform) {
  RandomStream random({9, 0, Purpose::orientation});
  double trace = 0;
  std::array<double, 3> z{}, zz{};
  const int n = 20000;
  for (int i = 0; i < n; ++i) {
    const double u1 = random.uniform(), u2 = random.uniform(), u3 = random.uniform();
    const Matrix3 r = rotation_of(u1, u2, u3);
    if (i < 100)
      for (std::size_t a = 0; a < 3; ++a) {
        const std::size_t b = (a + 1) % 3, c = (a + 2) % 3;
        EXPECT_NEAR(r[3 * a] * r[3 * b] + r[3 * a + 1] * r[3 * b + 1] + r[3 * a + 2] * r[3 * b + 2],
                    0, 1e-14);
        // Row a is the cross product of the next two.
        EXPECT_NEAR(r[3 * b + 1] * r[3 * c + 2] - r[3 * b + 2] * r[3 * c + 1], r[3 * a], 1e-14);
      }
    trace += r[0] + r[4] + r[8];
    for (std::size_t a = 0; a < 3; ++a) {
      z[a] += r[3 * a + 2];
      zz[a] += r[3 * a + 2] * r[3 * a + 2];
    }
  }
  EXPECT_NEAR(trace / n, 0, 0.03);
  for (std::size_t a = 0; a < 3; ++a) {
    EXPECT_NEAR(z[a] / n, 0, 0.02);
    EXPECT_NEAR(zz[a] / n, 1.0 / 3, 0.012);
  }
}

}  // namespace
}  // namespace etalon
