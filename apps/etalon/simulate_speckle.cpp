#include "simulate_speckle.hpp"

#include <nlohmann/json.hpp>

#include "reduce_input.hpp"
#include "sim/speckle.hpp"
#include "store/nxmx_writer.hpp"

namespace etalon::cli {
namespace {

struct Options {
  SpeckleParameters speckle;
  std::string output, size = "256,256";
  unsigned threads = 0;
  bool overwrite = false, json = false;
};

Result<void> run(const Options& options) {
  SpeckleParameters p = options.speckle;
  auto size = parse_shape(options.size);
  if (!size.ok() || size->rank() != 2)
    return Error{Errc::usage, "--size: '" + options.size + "' is not NY,NX"};
  p.ny = (*size)[0];
  p.nx = (*size)[1];
  ETALON_ASSIGN(const SpeckleSimulator simulator, SpeckleSimulator::create(p));
  ETALON_TRY(check_ending(options.output, FileKind::hdf5, "HDF5"));
  ETALON_ASSIGN(NxmxWriter writer, NxmxWriter::create(options.output, simulator.info(),
                                                      Bound::lossless(), options.overwrite));
  {
    Progress progress("simulating", p.frames, "frames");
    std::uint64_t done = 0;
    const auto keep = [&](const Frame& frame) -> Result<void> {
      ETALON_TRY(writer.append_raw(frame));
      progress.update(++done);
      return {};
    };
    ETALON_TRY(simulator.run(options.threads, keep, &interrupted));
  }
  const auto attach = [&](const char* name, double value, const char* units) {
    const std::span<const double> one(&value, 1);
    return writer.attach(std::string("/entry/truth/") + name, view_of(one, {1}), units);
  };
  ETALON_TRY(attach("diffusion", p.diffusion, "angstrom^2/s"));
  ETALON_TRY(attach("contrast", simulator.contrast(), ""));
  ETALON_TRY(writer.finish());
  if (options.json) {
    const nlohmann::json report = {{"schema", "etalon.simulate/1"},
                                   {"kind", "speckle"},
                                   {"semantics", speckle_semantics},
                                   {"output", options.output},
                                   {"seed", p.seed},
                                   {"shape", {p.frames, p.ny, p.nx}},
                                   {"dtype", "u16"},
                                   {"diffusion", p.diffusion},
                                   {"contrast", simulator.contrast()}};
    return print(report.dump(2) + "\n");
  }
  return print(options.output + ": " + std::to_string(p.frames) + " frames of speckle, seed " +
               std::to_string(p.seed) + "\n");
}

}  // namespace

void add_simulate_speckle(Command& simulate, Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = simulate.add_subcommand(
      "speckle", "Photon correlation: speckle of diffusing particles on a photon counter");
  command->callback([&cli, options] { cli.chosen = [options] { return run(*options); }; });
  command->footer(
      "Writes an NXmx file with the truth under /entry/truth. The correlation is\n"
      "g2 = 1 + exp(-2 D q^2 t) / modes. The same options give the same images on every machine,\n"
      "whatever the number of threads.\n"
      "Example: etalon simulate speckle -n 1000 -o speckle.h5");
  SpeckleParameters& p = options->speckle;
  command->add_option("-o,--output", options->output, "HDF5 file to write")->required();
  command->add_option("-n,--frames", p.frames, "Number of frames");
  command->add_option("--seed", p.seed, "Another seed, another speckle");
  command->add_option("--size", options->size, "Image size NY,NX in pixels");
  command->add_option("--diffusion", p.diffusion, "D in square angstrom a second");
  command->add_option("--frame-time", p.frame_time_s, "Seconds from frame to frame");
  command->add_option("--speckle", p.speckle_pixels, "Width of a speckle at half maximum, pixels");
  command->add_option("--modes", p.modes,
                      "Independent modes of the light; the contrast is 1 / modes");
  command->add_option("--counts", p.mean_counts, "Photons a pixel and frame");
  command->add_option("--wavelength", p.wavelength_angstrom, "Wavelength in angstrom");
  command->add_option("--distance", p.distance_m, "Distance of the detector in metres");
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
