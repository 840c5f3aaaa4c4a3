// A crystal: its unit cell, the symmetry of its intensities, and structure factors drawn from
// Wilson's statistics.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "etalon/result.hpp"
#include "frame/point_group.hpp"
#include "frame/unit_cell.hpp"

namespace etalon {

// The highest symmetry that the metric of the cell admits in its conventional setting: triclinic
// (P 1), monoclinic (P 1 2 1), orthorhombic (P 2 2 2), tetragonal (P 43 21 2, as lysozyme), cubic
// (P 4 3 2) or hexagonal (P 6 2 2).
class Symmetry {
 public:
  explicit Symmetry(const UnitCell& cell);

  const std::string& space_group() const { return space_group_; }
  std::size_t order() const { return group_.order(); }  // rotations
  // The same for all reflections that are equivalent under the Laue group, Friedel mates included.
  Miller representative(const Miller& h) const { return group_.representative(h); }
  bool is_centric(const Miller& h) const { return group_.is_centric(h); }
  bool is_absent(const Miller& h) const;  // by screw axes
  // Rotations that leave h where it is.
  unsigned epsilon(const Miller& h) const { return group_.epsilon(h); }

 private:
  std::string space_group_;
  PointGroup group_;
};

struct Reflection {
  Miller index{};
  float intensity = 0;  // |F|^2, photons of a whole reflection at unit scale
  bool centric = false;
  std::uint8_t epsilon = 1;
};

struct WilsonParameters {
  double intensity = 900;  // mean |F|^2 at zero angle
  double b_factor = 25;    // square angstrom: the mean falls as exp(-B / (2 d^2))
  double d_min_angstrom = 2.0;
};

// Every reflection with d >= d_min that is not absent, in order of h, k, l. Acentric |F|^2 are
// exponential, centric ones chi-square of one degree of freedom, with mean epsilon * intensity *
// exp(-B/(2 d^2)) (Wilson, Acta Cryst. 2 (1949) 318); equivalent reflections have the same value.
// Errc::usage when that would be more than 2^24.
Result<std::vector<Reflection>> structure_factors(const UnitCell& cell,
                                                  const WilsonParameters& parameters,
                                                  std::uint64_t seed);

// Uniform over all rotations (Shoemake, Graphics Gems III (1992) 124) from three uniform numbers.
Matrix3 rotation_of(double u1, double u2, double u3);

}  // namespace etalon
