// What a simulated series says about its crystals (docs/simulator.md): the judge of indexing and
// merging.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyse/merging.hpp"

namespace etalon {

struct CrystalTruth {
  UnitCell cell;
  std::vector<std::optional<Matrix3>> a_matrices;  // of every frame; none where no crystal was
  // |F|^2, an index of each set of equivalents of the simulator's symmetry.
  std::vector<std::pair<Miller, double>> structure_factors;

  // By the representatives of a point group.
  KnownIntensities known(const PointGroup& group) const;
  // Errc::usage where `frames` is not the number of its frames; `name` begins the message.
  Result<void> fits(std::uint64_t frames, const std::string& name) const;
};

// From HDF5 with /entry/truth. Errc::malformed names what is not there or does not fit.
Result<CrystalTruth> read_crystal_truth(const std::string& path);

}  // namespace etalon
