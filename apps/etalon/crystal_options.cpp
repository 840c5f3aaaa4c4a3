#include "crystal_options.hpp"

namespace etalon::cli {

std::vector<Option*> add_crystal_options(Command& command, CrystalOptions& options) {
  return {command
              .add_option("--cell", options.cell,
                          "Unit cell, angstrom and degrees (default: the truth's, where there is\n"
                          "one)")
              ->type_name("a,b,c,al,be,ga")
              ->default_str(""),
          command
              .add_option("--point-group", options.point_group,
                          "Rotations of the crystal: 1 2 222 4 422 3 321 312 6 622 23 432")
              ->type_name("NAME")
              ->default_str(""),
          command.add_option("--centring", options.centring, "Of the lattice: P A B C I F R")
              ->type_name("LETTER"),
          command
              .add_option("--tolerance", options.tolerance_px,
                          "How far a peak may be from where the lattice has it, on the detector")
              ->type_name("PIXELS"),
          command
              .add_option("--excitation", options.max_excitation,
                          "How far a lattice point that diffracts may be from the Ewald sphere")
              ->type_name("1/A"),
          command
              .add_option("--min-fraction", options.min_fraction,
                          "Least share of a still's peaks that its crystal must explain")
              ->type_name("0..1"),
          command
              .add_option("--lattices", options.lattices,
                          "Crystals looked for in one still, one after the other")
              ->range(1, 20)};
}

std::vector<Option*> add_integration_options(Command& command, CrystalOptions& options) {
  return {command
              .add_option("--widths", options.widths,
                          "Reflections count within so many standard deviations of the crystal's\n"
                          "excitation errors")
              ->type_name("NUMBER"),
          command
              .add_option("--d-min", options.d_min,
                          "Finest resolution of intensities (default: the detector's corners)")
              ->type_name("A")
              ->default_str(""),
          command
              .add_option("--polarization", options.polarization,
                          "Share of the beam that is polarized along x")
              ->type_name("0..1")};
}

Result<CrystalSettings> crystal_settings(const std::string& verb, const CrystalOptions& options,
                                         double gain, const std::optional<CrystalTruth>& truth) {
  CrystalSettings settings;
  IndexingSettings& s = settings.indexing;
  if (!options.cell.empty()) {
    auto cell = parse_cell(options.cell);
    if (!cell.ok()) return std::move(cell).error().in(verb + ": --cell");
    s.cell = *cell;
  } else if (truth) {
    s.cell = truth->cell;
  } else {
    return Error{Errc::usage, verb + ": --cell a,b,c,al,be,ga is needed"};
  }
  if (options.point_group.empty())
    return Error{Errc::usage, verb + ": --point-group is needed, such as 422"};
  auto group = PointGroup::named(options.point_group);
  if (!group.ok()) return std::move(group).error().in(verb + ": --point-group");
  s.point_group = *group;
  if (options.centring.size() != 1)
    return Error{Errc::usage, verb + ": --centring '" + options.centring + "': is one letter"};
  s.centring = options.centring.front();
  s.tolerance_px = options.tolerance_px;
  s.max_excitation = options.max_excitation;
  s.min_fraction = options.min_fraction;
  s.max_lattices = options.lattices;
  settings.integration.widths = options.widths;
  settings.integration.d_min_angstrom = options.d_min;
  settings.integration.polarization = options.polarization;
  settings.integration.gain = gain;
  return settings;
}

std::vector<Option*> add_crystal_science_options(Command& command, CrystalScienceOptions& options) {
  std::vector<Option*> own = add_crystal_options(command, options.crystal);
  for (Option* option : add_integration_options(command, options.crystal)) own.push_back(option);
  own.push_back(command
                    .add_option("--truth", options.truth,
                                "Simulated series whose structure factors the merged intensities\n"
                                "should be proportional to; its cell where there is no --cell")
                    ->type_name("FILE")
                    ->default_str(""));
  for (Option* option : own) option->group("Crystals");
  return own;
}

Result<std::optional<CrystalScienceSettings>> crystal_science(const std::string& verb,
                                                              const CrystalScienceOptions& options,
                                                              double gain) {
  std::optional<CrystalScienceSettings> none;
  if (!options.given()) return none;
  std::optional<CrystalTruth> truth;
  if (!options.truth.empty()) {
    ETALON_ASSIGN(truth, read_crystal_truth(options.truth));
  }
  CrystalScienceSettings settings;
  ETALON_ASSIGN(settings.crystals, crystal_settings(verb, options.crystal, gain, truth));
  if (truth)
    settings.known = std::make_shared<const KnownIntensities>(
        truth->known(settings.crystals.indexing.point_group));
  return std::optional(std::move(settings));
}

}  // namespace etalon::cli
