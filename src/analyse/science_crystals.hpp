// What a reduction does to crystals: how many stills are indexed still, how they turn, what their
// merged intensities are worth.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyse/crystal_series.hpp"

namespace etalon {

// How the science judge looks at crystals.
struct CrystalScienceSettings {
  CrystalSettings crystals;
  MergeSettings merging;
  std::shared_ptr<const KnownIntensities> known;  // none: nobody knows the structure factors
};

// A still is indexed still when a crystal of the reduction is turned from raw's by no more.
inline constexpr double same_orientation_deg = 1;

// Numbers that could not be judged are NaN.
struct CrystalScience {
  bool given = false;                            // whether a crystal was described
  bool known = false;                            // whether structure factors were
  std::uint64_t raw = 0, reduced = 0, kept = 0;  // stills that are indexed; in both
  std::uint64_t turned = 0;                      // indexed in both, but turned
  std::vector<double> shifts_deg;                // of the kept stills
  Merged raw_merged, reduced_merged;
  double merged_cc = 0;  // correlation of both

  double shift_deg(double share) const;  // that this share of the shifts does not exceed
  void add_metrics(std::map<std::string, double, std::less<>>& metrics) const;
};

class CrystalScienceTally {
 public:
  explicit CrystalScienceTally(const std::optional<CrystalScienceSettings>& settings);
  // `reduced` may be null: left out of the reduction.
  void add(std::uint64_t frame, const StillCrystals& raw, const StillCrystals* reduced);
  CrystalScience result() const;  // merges

 private:
  std::optional<CrystalScienceSettings> settings_;
  CrystalScience science_;
  std::vector<CrystalObservations> raw_, reduced_;
};

}  // namespace etalon
