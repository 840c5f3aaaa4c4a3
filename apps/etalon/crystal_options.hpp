// The crystal as the command line describes it: for analyse index and merge, verify --science and
// tune.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyse/science_crystals.hpp"
#include "cli.hpp"

namespace etalon::cli {

struct CrystalOptions {
  std::string cell, point_group, centring = "P";
  double tolerance_px = IndexingSettings().tolerance_px;
  double max_excitation = IndexingSettings().max_excitation;
  double min_fraction = IndexingSettings().min_fraction;
  std::uint32_t lattices = 1;
  double widths = IntegrationSettings().widths, d_min = 0;
  double polarization = IntegrationSettings().polarization;
};

// Declares them. `options` must outlive the command.
std::vector<Option*> add_crystal_options(Command& command, CrystalOptions& options);
// Those of the intensities.
std::vector<Option*> add_integration_options(Command& command, CrystalOptions& options);

// Errc::usage names the option that makes no sense. The cell may come from a simulated series'
// truth. `verb` begins messages.
Result<CrystalSettings> crystal_settings(const std::string& verb, const CrystalOptions& options,
                                         double gain, const std::optional<CrystalTruth>& truth);

// For the science judge: crystals are judged where any of these is given.
struct CrystalScienceOptions {
  CrystalOptions crystal;
  std::string truth;
  bool given() const {
    return !crystal.cell.empty() || !crystal.point_group.empty() || !truth.empty();
  }
};
std::vector<Option*> add_crystal_science_options(Command& command, CrystalScienceOptions& options);
Result<std::optional<CrystalScienceSettings>> crystal_science(const std::string& verb,
                                                              const CrystalScienceOptions& options,
                                                              double gain);

}  // namespace etalon::cli
