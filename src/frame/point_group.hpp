// The rotations under which a crystal's intensities stay as they are.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "etalon/result.hpp"
#include "frame/unit_cell.hpp"

namespace etalon {

// A rotation as it acts on Miller indices: row-major, whole numbers.
using IndexRotation = std::array<int, 9>;

Miller operator*(const IndexRotation& m, const Miller& h);

// One of the eleven Laue classes by its rotations, in conventional settings: monoclinic with b,
// tetragonal, trigonal and hexagonal with c unique. Intensities of h and -h are the same (no
// anomalous scattering).
class PointGroup {
 public:
  PointGroup();  // 1: the identity alone

  // "1", "2", "222", "4", "422", "3", "321", "312", "6", "622", "23", "432", or the Laue class of
  // one ("-1", "2/m", "mmm", "4/m", "4/mmm", "-3", "-3m1", "-31m", "6/m", "6/mmm", "m-3", "m-3m").
  // Errc::usage for any other name, which lists them.
  static Result<PointGroup> named(const std::string& name);

  const std::string& name() const { return name_; }  // of the rotations
  std::size_t order() const { return operations_.size(); }
  const std::vector<IndexRotation>& operations() const { return operations_; }

  // The same for all reflections that are equivalent, Friedel mates included.
  Miller representative(const Miller& h) const;
  // Of the rotations alone: h and -h may differ.
  Miller rotated_representative(const Miller& h) const;
  bool is_centric(const Miller& h) const;   // a rotation takes h to -h
  unsigned epsilon(const Miller& h) const;  // rotations that leave h where it is

  // Errc::usage where the cell's metric does not have these rotations, within a thousandth of its
  // lengths.
  Result<void> fits(const UnitCell& cell) const;

 private:
  std::string name_ = "1";
  std::vector<IndexRotation> operations_;
};

}  // namespace etalon
