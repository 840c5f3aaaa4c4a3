#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "reduce_input.hpp"
#include "sim/stills.hpp"
#include "simulate_field.hpp"
#include "simulate_speckle.hpp"
#include "simulate_truth.hpp"
#include "store/nxmx_writer.hpp"

namespace etalon::cli {
namespace {

struct Options {
  StillsParameters stills;
  std::string output, cell = "79.1,79.1,37.9,90,90,90", size = "1065,1030";
  unsigned threads = 0;
  bool overwrite = false, json = false;
};

Result<StillsParameters> parameters_of(const Options& options) {
  StillsParameters p = options.stills;
  auto size = parse_shape(options.size);
  if (!size.ok() || size->rank() != 2)
    return Error{Errc::usage, "--size: '" + options.size + "' is not NY,NX"};
  p.ny = (*size)[0];
  p.nx = (*size)[1];
  auto cell = parse_cell(options.cell);
  if (!cell.ok()) return std::move(cell).error().in("--cell");
  p.cell = *cell;
  return p;
}

Result<void> run(const Options& options) {
  ETALON_ASSIGN(const StillsParameters parameters, parameters_of(options));
  ETALON_ASSIGN(const StillsSimulator simulator, StillsSimulator::create(parameters));
  ETALON_TRY(check_ending(options.output, FileKind::hdf5, "HDF5"));
  ETALON_ASSIGN(NxmxWriter writer, NxmxWriter::create(options.output, simulator.info(),
                                                      Bound::lossless(), options.overwrite));
  StillsTruthTable truth;
  {
    Progress progress("simulating", parameters.frames, "frames");
    std::uint64_t done = 0;
    const auto keep = [&](Still still) -> Result<void> {
      ETALON_TRY(writer.append_raw(still.frame));
      truth.add(still.truth);
      progress.update(++done);
      return {};
    };
    ETALON_TRY(simulator.run(options.threads, keep, &interrupted));
  }
  ETALON_TRY(truth.write(simulator, writer));
  ETALON_TRY(writer.finish());

  const Symmetry symmetry(parameters.cell);
  if (options.json) {
    const UnitCell& c = parameters.cell;
    const nlohmann::json report = {{"schema", "etalon.simulate/1"},
                                   {"kind", "stills"},
                                   {"semantics", stills_semantics},
                                   {"output", options.output},
                                   {"frames", parameters.frames},
                                   {"hits", truth.hits()},
                                   {"seed", parameters.seed},
                                   {"shape", {parameters.frames, parameters.ny, parameters.nx}},
                                   {"dtype", "u16"},
                                   {"cell", {c.a, c.b, c.c, c.alpha, c.beta, c.gamma}},
                                   {"space_group", symmetry.space_group()},
                                   {"reflections", simulator.reflections().size()},
                                   {"spots", truth.spots()}};
    return print(report.dump(2) + "\n");
  }
  return print(options.output + ": " + std::to_string(parameters.frames) + " frames, " +
               std::to_string(truth.hits()) + " hits, " + std::to_string(truth.spots()) +
               " spots, " + symmetry.space_group() + ", seed " + std::to_string(parameters.seed) +
               "\n");
}

}  // namespace

void add_simulate(Cli& cli) {
  Command* simulate = cli.app.add_subcommand(
      "simulate", "Make data with known truth from a physical model; the first word is the kind");
  simulate->require_subcommand(1);
  auto options = std::make_shared<Options>();
  Command* stills = simulate->add_subcommand(
      "stills", "Serial crystallography: hits and blanks on a photon counter");
  stills->callback([&cli, options] { cli.chosen = [options] { return run(*options); }; });
  stills->footer(
      "Writes an NXmx file with the truth (hits, orientations, reflections) under /entry/truth.\n"
      "The same options give the same images on every machine, whatever the number of threads.\n"
      "Example: etalon simulate stills -n 200 --seed 7 -o sim.h5");
  StillsParameters& p = options->stills;
  stills->add_option("-o,--output", options->output, "HDF5 file to write")->required();
  stills->add_option("-n,--frames", p.frames, "Number of frames");
  stills->add_option("--seed", p.seed, "Another seed, another crystal and other frames");
  stills->add_option("--hit-fraction", p.hit_fraction, "Fraction of frames with a crystal, 0..1");
  stills->add_option("--size", options->size, "Image size NY,NX in pixels");
  stills->add_option("--cell", options->cell,
                     "Unit cell a,b,c,alpha,beta,gamma in angstrom and degrees");
  stills->add_option("--wavelength", p.wavelength_angstrom, "Wavelength in angstrom");
  stills->add_option("--distance", p.distance_m, "Distance of the detector in metres");
  stills->add_option("--flux", p.flux, "Beam intensity relative to the default");
  stills->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
  stills->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  stills->add_flag("--json", options->json, "Print JSON");
  add_simulate_field(*simulate, cli);
  add_simulate_speckle(*simulate, cli);
}

}  // namespace etalon::cli
