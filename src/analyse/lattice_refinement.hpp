// A lattice fitted to the spots of a still by least squares.
#pragma once

#include <vector>

#include "analyse/lattice_search.hpp"

namespace etalon {

struct RefinementSettings {
  SearchTolerances tolerances;
  double wavenumber = 0;   // 1/angstrom
  double pixel_width = 0;  // 1/angstrom
  bool scale = true, beam = true;
};

struct LatticeFit {
  Matrix3 rotation{};
  double scale = 1;
  double beam_dx = 0, beam_dy = 0;  // pixels
  struct Explained {
    std::size_t spot = 0;               // of the list of spots
    Vector3 index{};                    // whole numbers
    double across = 0, excitation = 0;  // 1/angstrom
  };
  std::vector<Explained> explained;  // spots within both tolerances
};

// From a rotation that is right to about 0.01 rad. Rotation, and then, where asked for, one scale
// of the reciprocal cell and the beam's place, which are held near what they are said to be (0.3 %,
// 2 pixels: standard deviations). A spot's residual A h - q is weighted by what it says: across the
// direction it is seen along, by the scatter of places; along it, by the scatter of excitation
// errors; both as the spots themselves show it.
LatticeFit refine_lattice(const Matrix3& rotation, const Matrix3& basis,
                          const std::vector<ReciprocalSpot>& spots,
                          const RefinementSettings& settings);

}  // namespace etalon
