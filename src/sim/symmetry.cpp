#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "sim/crystal.hpp"

namespace etalon {
namespace {

using Operation = std::array<int, 9>;

constexpr Operation identity{1, 0, 0, 0, 1, 0, 0, 0, 1};
constexpr Operation two_along_a{1, 0, 0, 0, -1, 0, 0, 0, -1};
constexpr Operation two_along_b{-1, 0, 0, 0, 1, 0, 0, 0, -1};
constexpr Operation four_along_c{0, -1, 0, 1, 0, 0, 0, 0, 1};
constexpr Operation three_along_diagonal{0, 0, 1, 1, 0, 0, 0, 1, 0};
constexpr Operation six_along_c{1, 1, 0, -1, 0, 0, 0, 0, 1};
constexpr Operation two_swapping_ab{0, 1, 0, 1, 0, 0, 0, 0, -1};

Operation product(const Operation& m, const Operation& n) {
  Operation out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) out[3 * i + j] += m[3 * i + k] * n[3 * k + j];
  return out;
}

// All products of the generators.
std::vector<Operation> group_of(const std::vector<Operation>& generators) {
  std::vector<Operation> group{identity};
  for (std::size_t i = 0; i < group.size(); ++i)
    for (const Operation& g : generators) {
      const Operation next = product(group[i], g);
      if (std::find(group.begin(), group.end(), next) == group.end()) group.push_back(next);
    }
  return group;
}

Miller apply(const Operation& m, const Miller& h) {
  Miller out{};
  for (std::size_t i = 0; i < 3; ++i)
    out[i] = m[3 * i] * h[0] + m[3 * i + 1] * h[1] + m[3 * i + 2] * h[2];
  return out;
}

Miller negative(const Miller& h) { return {-h[0], -h[1], -h[2]}; }

bool same(double a, double b) { return std::fabs(a - b) <= 1e-6 * std::fabs(a); }

}  // namespace

Symmetry::Symmetry(const UnitCell& cell) {
  const bool right = same(cell.alpha, 90) && same(cell.beta, 90) && same(cell.gamma, 90);
  if (right && same(cell.a, cell.b) && same(cell.b, cell.c)) {
    space_group_ = "P 4 3 2";
    operations_ = group_of({four_along_c, three_along_diagonal});
  } else if (right && same(cell.a, cell.b)) {
    space_group_ = "P 43 21 2";
    operations_ = group_of({four_along_c, two_along_a});
  } else if (right) {
    space_group_ = "P 2 2 2";
    operations_ = group_of({two_along_a, two_along_b});
  } else if (same(cell.a, cell.b) && same(cell.alpha, 90) && same(cell.beta, 90) &&
             same(cell.gamma, 120)) {
    space_group_ = "P 6 2 2";
    operations_ = group_of({six_along_c, two_swapping_ab});
  } else if (same(cell.alpha, 90) && same(cell.gamma, 90)) {
    space_group_ = "P 1 2 1";
    operations_ = group_of({two_along_b});
  } else {
    space_group_ = "P 1";
    operations_ = {identity};
  }
}

Miller Symmetry::representative(const Miller& h) const {
  Miller best = std::max(h, negative(h));
  for (const Operation& operation : operations_) {
    const Miller mate = apply(operation, h);
    best = std::max({best, mate, negative(mate)});
  }
  return best;
}

bool Symmetry::is_centric(const Miller& h) const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [&](const Operation& o) { return apply(o, h) == negative(h); });
}

bool Symmetry::is_absent(const Miller& h) const {
  if (space_group_ != "P 43 21 2") return false;
  if (h[0] == 0 && h[1] == 0) return h[2] % 4 != 0;
  if (h[2] != 0 || (h[0] != 0 && h[1] != 0)) return false;
  return (h[0] + h[1]) % 2 != 0;
}

unsigned Symmetry::epsilon(const Miller& h) const {
  return static_cast<unsigned>(std::count_if(operations_.begin(), operations_.end(),
                                             [&](const Operation& o) { return apply(o, h) == h; }));
}

}  // namespace etalon
