// Orientations that two spots of a still admit, and how many spots each explains.
#pragma once

#include <optional>
#include <vector>

#include "analyse/scattering.hpp"
#include "frame/point_group.hpp"

namespace etalon {

// A spot seen along the unit vector `seen`.
struct ReciprocalSpot {
  std::size_t peak = 0;
  Vector3 q{}, seen{};
  double length = 0;         // of q
  Vector3 dq_dx{}, dq_dy{};  // of a step of one pixel
};

struct SearchTolerances {
  double across = 0;      // of a spot, seen on the detector, 1/angstrom
  double excitation = 0;  // of a lattice point from the Ewald sphere, 1/angstrom
  double spacing = 0;     // shortest lattice vector, 1/angstrom
};

// Bits of an orientation as a rotation R: q = R B h.
struct OrientationCandidate {
  Matrix3 rotation{};
  std::size_t explained = 0;  // of the spots it was rated on
};

// The lattice points up to some length, shortest first. Immutable after creation.
class LatticeSearch {
 public:
  // `present` says which indices are lattice points. At most about 8000 points, and none longer
  // than q_max.
  template <typename Present>
  LatticeSearch(const Matrix3& basis, const UnitCell& cell, const PointGroup& group, double q_max,
                const SearchTolerances& tolerances, Present&& present)
      : basis_(basis), inverse_(inverse(basis)), tolerances_(tolerances) {
    q_limit_ = std::min(q_max, reach(cell));
    for (const Miller& h : indices_within(cell)) {
      const Vector3 q = basis_ * Vector3{double(h[0]), double(h[1]), double(h[2])};
      if (h == Miller{} || !present(h) || etalon::length(q) > q_limit_) continue;
      points_.push_back({q, etalon::length(q), group.rotated_representative(h) == h});
    }
    sort_points();
  }

  double q_limit() const { return q_limit_; }  // of spots that may make a pair

  // The best orientations, at most `most`, that take a lattice point to each of the two spots,
  // rated on `rated`; only those that explain at least `least`. Best first, earlier lattice points
  // first among equals.
  std::vector<OrientationCandidate> orientations(const ReciprocalSpot& one,
                                                 const ReciprocalSpot& other,
                                                 const std::vector<ReciprocalSpot>& rated,
                                                 std::size_t least, std::size_t most) const;

 private:
  struct Point {
    Vector3 q{};
    double length = 0;
    bool unique = false;  // the one of its equivalents under the rotations that is looked at
  };
  static double reach(const UnitCell& cell);
  std::vector<Miller> indices_within(const UnitCell& cell) const;
  void sort_points();
  std::pair<std::size_t, std::size_t> shell(const ReciprocalSpot& spot) const;
  std::size_t explained(const Matrix3& to_crystal, const std::vector<ReciprocalSpot>& spots,
                        std::size_t least) const;

  Matrix3 basis_, inverse_;
  SearchTolerances tolerances_;
  double q_limit_ = 0;
  std::vector<Point> points_;
};

}  // namespace etalon
