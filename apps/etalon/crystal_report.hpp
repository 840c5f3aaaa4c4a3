// What analyse index and analyse merge found, for people and programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "analyse/crystal_series.hpp"

namespace etalon::cli {

// One lattice of one still.
struct FoundCrystal {
  std::size_t file = 0;
  std::uint64_t frame = 0;
  std::size_t peaks = 0;  // of the still
  CrystalLattice lattice;
  std::optional<double>
      off_deg;  // from the truth; none where that has no crystal, or there is none
};

struct CrystalTally {
  std::vector<std::string> files;
  bool truth = false;
  std::uint64_t frames = 0, hits = 0, indexed = 0;
  std::uint64_t true_crystals = 0;   // hits in which the truth has a crystal
  std::vector<double> milliseconds;  // of every hit, one thread
  std::vector<FoundCrystal> crystals;
};

// A crystal is where the truth has it when it is turned by no more than this.
inline constexpr double right_deg = 1;

std::string index_text(const CrystalTally& tally);
nlohmann::json index_json(const CrystalTally& tally);
// One line a crystal, or the report with a list of them.
std::string crystals_csv(const CrystalTally& tally);
nlohmann::json crystals_json(const CrystalTally& tally);

std::string merge_text(const Merged& merged, bool truth);
nlohmann::json merge_json(const Merged& merged);
std::string reflections_csv(const Merged& merged, const KnownIntensities* known);
// A number, or null where there is none.
nlohmann::json number_or_null(double value);

}  // namespace etalon::cli
