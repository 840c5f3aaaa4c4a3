#include "frame/point_group.hpp"

#include <algorithm>
#include <cmath>

namespace etalon {
namespace {

constexpr IndexRotation identity{1, 0, 0, 0, 1, 0, 0, 0, 1};
constexpr IndexRotation two_along_a{1, 0, 0, 0, -1, 0, 0, 0, -1};
constexpr IndexRotation two_along_b{-1, 0, 0, 0, 1, 0, 0, 0, -1};
constexpr IndexRotation four_along_c{0, -1, 0, 1, 0, 0, 0, 0, 1};
constexpr IndexRotation three_along_diagonal{0, 0, 1, 1, 0, 0, 0, 1, 0};
// With gamma = 120 degrees, of h and k; i = -h-k.
constexpr IndexRotation three_along_c{0, 1, 0, -1, -1, 0, 0, 0, 1};
constexpr IndexRotation six_along_c{1, 1, 0, -1, 0, 0, 0, 0, 1};
constexpr IndexRotation two_swapping_ab{0, 1, 0, 1, 0, 0, 0, 0, -1};
constexpr IndexRotation two_swapping_negative{0, -1, 0, -1, 0, 0, 0, 0, -1};

struct Known {
  const char *rotations, *laue;
  std::vector<IndexRotation> generators;
};

const std::vector<Known>& known_groups() {
  static const std::vector<Known> groups{
      {"1", "-1", {}},
      {"2", "2/m", {two_along_b}},
      {"222", "mmm", {two_along_a, two_along_b}},
      {"4", "4/m", {four_along_c}},
      {"422", "4/mmm", {four_along_c, two_along_a}},
      {"3", "-3", {three_along_c}},
      {"321", "-3m1", {three_along_c, two_swapping_ab}},
      {"312", "-31m", {three_along_c, two_swapping_negative}},
      {"6", "6/m", {six_along_c}},
      {"622", "6/mmm", {six_along_c, two_swapping_ab}},
      {"23", "m-3", {two_along_a, two_along_b, three_along_diagonal}},
      {"432", "m-3m", {four_along_c, three_along_diagonal}}};
  return groups;
}

IndexRotation product(const IndexRotation& m, const IndexRotation& n) {
  IndexRotation out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) out[3 * i + j] += m[3 * i + k] * n[3 * k + j];
  return out;
}

std::vector<IndexRotation> group_of(const std::vector<IndexRotation>& generators) {
  std::vector<IndexRotation> group{identity};
  for (std::size_t i = 0; i < group.size(); ++i)
    for (const IndexRotation& g : generators) {
      const IndexRotation next = product(group[i], g);
      if (std::find(group.begin(), group.end(), next) == group.end()) group.push_back(next);
    }
  return group;
}

Miller negative(const Miller& h) { return {-h[0], -h[1], -h[2]}; }

double length_of(const Matrix3& basis, const Miller& h) {
  const Vector3 q = basis * Vector3{double(h[0]), double(h[1]), double(h[2])};
  return std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
}

}  // namespace

Miller operator*(const IndexRotation& m, const Miller& h) {
  Miller out{};
  for (std::size_t i = 0; i < 3; ++i)
    out[i] = m[3 * i] * h[0] + m[3 * i + 1] * h[1] + m[3 * i + 2] * h[2];
  return out;
}

PointGroup::PointGroup() : operations_{identity} {}

Result<PointGroup> PointGroup::named(const std::string& name) {
  std::string names;
  for (const Known& known : known_groups()) {
    if (name == known.rotations || name == known.laue) {
      PointGroup group;
      group.name_ = known.rotations;
      group.operations_ = group_of(known.generators);
      return group;
    }
    names += (names.empty() ? "" : ", ") + std::string(known.rotations);
  }
  return Error{Errc::usage, "point group '" + name + "': there are " + names +
                                " and their Laue classes, such as 4/mmm"};
}

Miller PointGroup::representative(const Miller& h) const {
  Miller best = std::max(h, negative(h));
  for (const IndexRotation& operation : operations_) {
    const Miller mate = operation * h;
    best = std::max({best, mate, negative(mate)});
  }
  return best;
}

Miller PointGroup::rotated_representative(const Miller& h) const {
  Miller best = h;
  for (const IndexRotation& operation : operations_) best = std::max(best, operation * h);
  return best;
}

bool PointGroup::is_centric(const Miller& h) const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [&](const IndexRotation& o) { return o * h == negative(h); });
}

unsigned PointGroup::epsilon(const Miller& h) const {
  return static_cast<unsigned>(std::count_if(operations_.begin(), operations_.end(),
                                             [&](const IndexRotation& o) { return o * h == h; }));
}

Result<void> PointGroup::fits(const UnitCell& cell) const {
  const Matrix3 basis = reciprocal_basis(cell);
  const Miller probes[] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 0}, {1, 0, 1}, {0, 1, 1}};
  for (const IndexRotation& operation : operations_)
    for (const Miller& h : probes) {
      const double before = length_of(basis, h), after = length_of(basis, operation * h);
      if (!(std::abs(after - before) <= 1e-3 * before))
        return Error{Errc::usage, "point group " + name_ +
                                      ": the cell does not have its symmetry, for one its (" +
                                      std::to_string(h[0]) + " " + std::to_string(h[1]) + " " +
                                      std::to_string(h[2]) + ") and an equivalent differ"};
    }
  return {};
}

}  // namespace etalon
