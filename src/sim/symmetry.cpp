#include <cmath>

#include "sim/crystal.hpp"

namespace etalon {
namespace {

bool same(double a, double b) { return std::fabs(a - b) <= 1e-6 * std::fabs(a); }

// The name of the space group and its point group.
std::pair<const char*, const char*> highest_symmetry(const UnitCell& cell) {
  const bool right = same(cell.alpha, 90) && same(cell.beta, 90) && same(cell.gamma, 90);
  if (right && same(cell.a, cell.b) && same(cell.b, cell.c)) return {"P 4 3 2", "432"};
  if (right && same(cell.a, cell.b)) return {"P 43 21 2", "422"};
  if (right) return {"P 2 2 2", "222"};
  if (same(cell.a, cell.b) && same(cell.alpha, 90) && same(cell.beta, 90) && same(cell.gamma, 120))
    return {"P 6 2 2", "622"};
  if (same(cell.alpha, 90) && same(cell.gamma, 90)) return {"P 1 2 1", "2"};
  return {"P 1", "1"};
}

}  // namespace

Symmetry::Symmetry(const UnitCell& cell) {
  const auto [space_group, point_group] = highest_symmetry(cell);
  space_group_ = space_group;
  group_ = PointGroup::named(point_group).value();
}

bool Symmetry::is_absent(const Miller& h) const {
  if (space_group_ != "P 43 21 2") return false;
  if (h[0] == 0 && h[1] == 0) return h[2] % 4 != 0;
  if (h[2] != 0 || (h[0] != 0 && h[1] != 0)) return false;
  return (h[0] + h[1]) % 2 != 0;
}

}  // namespace etalon
