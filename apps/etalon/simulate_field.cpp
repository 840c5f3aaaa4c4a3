#include "simulate_field.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "reduce_input.hpp"
#include "sim/turbulence.hpp"
#include "sim/vlasov.hpp"
#include "store/array_writer.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string kind, output, shape, dtype = "f32", start = "landau", dataset;
  std::uint64_t seed = 1;
  TurbulenceParameters turbulence;
  VlasovParameters vlasov;
  double time = 5;
  unsigned threads = 0;
  bool overwrite = false, json = false;
  std::vector<Option*> of_turbulence, of_vlasov;
};

Result<Array> turbulence_of(const Options& options, const Shape* shape, DType dtype) {
  TurbulenceParameters p = options.turbulence;
  if (shape) p.shape = *shape;
  p.seed = options.seed;
  return turbulence(p, dtype, options.threads);
}

Result<Array> vlasov_of(const Options& options, const Shape* shape, DType dtype) {
  VlasovParameters p = options.vlasov;
  if (shape) p.shape = *shape;
  p.seed = options.seed;
  p.start = options.start == "landau" ? VlasovParameters::Start::landau
                                      : VlasovParameters::Start::two_stream;
  const double steps = std::round(options.time / p.time_step);
  if (!(steps >= 0 && steps <= 1e6))
    return Error{Errc::usage, "--time: 0 to 1000000 steps of --time-step"};
  ETALON_ASSIGN(VlasovSimulation plasma, VlasovSimulation::create(p, options.threads));
  const auto count = static_cast<std::uint64_t>(steps);
  Progress progress("simulating", count, "steps");
  for (std::uint64_t i = 0; i < count; ++i) {
    if (interrupted) return Error{Errc::interrupted, "simulator: interrupted"};
    plasma.step();
    progress.update(i + 1);
  }
  return plasma.distribution(dtype);
}

Result<void> run(const Options& options) {
  const bool turbulent = options.kind == "turbulence";
  for (const Option* other : turbulent ? options.of_vlasov : options.of_turbulence)
    if (other->count() > 0)
      return Error{Errc::usage, other->get_name() + ": not for --kind " + options.kind};
  ETALON_ASSIGN(const DType dtype, parse_dtype(options.dtype));
  if (!is_float(dtype)) return Error{Errc::usage, "--dtype: f32 or f64"};
  std::optional<Shape> shape;
  if (!options.shape.empty()) {
    ETALON_ASSIGN(shape, parse_shape(options.shape));
  }
  // A name that exists, or a folder that does not, shows before the work, not after it.
  OpenOptions open;
  open.dataset = options.dataset;
  const Shape one{1};
  const auto make = turbulent ? turbulence_of : vlasov_of;
  ETALON_TRY(ArrayWriter::create(options.output, dtype, one, options.overwrite, open));
  ETALON_ASSIGN(const Array field, make(options, shape ? &*shape : nullptr, dtype));
  ETALON_TRY(write_array(options.output, field.view(), options.overwrite, open));
  if (options.json) {
    const nlohmann::json report = {
        {"schema", "etalon.simulate/1"},
        {"kind", options.kind},
        {"semantics", turbulent ? turbulence_semantics : vlasov_semantics},
        {"output", options.output},
        {"seed", options.seed},
        {"shape", field.shape().extents()},
        {"dtype", name_of(dtype)}};
    return print_report(report.dump(2) + "\n", options.output);
  }
  return print_report(options.output + ": " + options.kind + ", " + std::string(name_of(dtype)) +
                          " " + to_string(field.shape()) + ", seed " +
                          std::to_string(options.seed) + "\n",
                      options.output);
}

}  // namespace

void add_simulate_field(Command& simulate, Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* field = simulate.add_subcommand(
      "field", "A floating-point array: a turbulent layer, or electrons in phase space");
  field->callback([&cli, options] { cli.chosen = [options] { return run(*options); }; });
  field->footer(
      "The same options give the same bytes on every machine, whatever the number of threads.\n"
      "Examples: etalon simulate field --kind turbulence -o layer.npy\n"
      "          etalon simulate field --kind vlasov --shape 10,10,10,10,10,10 -o plasma.h5");
  field->add_option("-o,--output", options->output, ".npy, HDF5 (dataset /data), else raw")
      ->required();
  field->add_option("--kind", options->kind, "turbulence or vlasov")
      ->required()
      ->one_of({"turbulence", "vlasov"});
  field->add_option("--shape", options->shape,
                    "turbulence: z,y,x (256,256,256); vlasov: 2 to 6 axes, positions then "
                    "velocities (16,16,24,24,24)");
  field->add_option("--dtype", options->dtype, "f32 or f64");
  field->add_option("--seed", options->seed, "Another seed, other eddies or other phases");
  field->add_option("--dataset", options->dataset, "HDF5 dataset to write");
  TurbulenceParameters& t = options->turbulence;
  options->of_turbulence = {
      field->add_option("--layer", t.layer, "turbulence: thickness of a layer, 0..0.5 of z"),
      field->add_option("--intensity", t.intensity,
                        "turbulence: standard deviation of the eddies over the central speed")};
  VlasovParameters& v = options->vlasov;
  options->of_vlasov = {
      field->add_option("--start", options->start, "vlasov: landau or two-stream")
          ->one_of({"landau", "two-stream"}),
      field->add_option("--time", options->time, "vlasov: inverse plasma frequencies"),
      field->add_option("--time-step", v.time_step, "vlasov: of one step"),
      field->add_option("--wavenumber", v.wavenumber,
                        "vlasov: of the longest wave, per Debye length"),
      field->add_option("--amplitude", v.amplitude, "vlasov: of the density's waves, 0..1"),
      field->add_option("--fastest", v.fastest,
                        "vlasov: end of the velocities' axes, in thermal "
                        "speeds")};
  field->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
  field->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  field->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
