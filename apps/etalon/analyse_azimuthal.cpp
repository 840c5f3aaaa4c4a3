#include "analyse_azimuthal.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "analyse/azimuthal_series.hpp"
#include "base/text.hpp"
#include "finder_options.hpp"
#include "plot/plot.hpp"
#include "reduce_input.hpp"
#include "store/array_file.hpp"
#include "store/file.hpp"
#include "store/poni.hpp"

namespace etalon::cli {
namespace {

constexpr double kev_angstrom = 12.398419843320026;  // h c
const std::string verb = "analyse azimuthal";

using Options = AzimuthalCommand;

// What the file says, the options say instead, or the .poni file says.
Result<FinderView> view_of_file(const Options& options, const std::string& file,
                                const SeriesInfo& info) {
  SeriesInfo seen = info;
  Geometry& g = seen.geometry;
  // A file that knows the distance knows the centre, too; an option's distance says nothing of it.
  const bool panels = !options.geometry.empty();
  if (options.distance_m > 0 && panels) g.distance_m = options.distance_m;
  if (options.energy_kev > 0) g.wavelength_angstrom = kev_angstrom / options.energy_kev;
  if (options.pixel_size_m > 0) g.pixel_size_x_m = g.pixel_size_y_m = options.pixel_size_m;
  if (!options.poni.empty()) {
    ETALON_ASSIGN(const Poni poni, read_poni(options.poni));
    auto placed = geometry_of(poni, g);
    if (!placed.ok()) return std::move(placed).error().in(options.poni);
    g = std::move(*placed);
  }
  FinderOptions finder;
  finder.centre = options.centre;
  finder.mask = options.mask;
  finder.geometry = options.geometry;
  ETALON_ASSIGN(FinderView view, finder_view(verb, file, seen, finder));
  if (options.distance_m > 0 && !panels) view.geometry.distance_m = options.distance_m;
  return view;
}

// What nobody has said, with the option that says it.
Result<void> check_known(const Options& options, const Geometry& g, RadialUnit unit) {
  const bool of_q = unit == RadialUnit::q_per_angstrom || unit == RadialUnit::q_per_nm;
  std::string missing;
  if (!(g.distance_m > 0)) missing += " --distance";
  if (g.places.empty() && !(g.pixel_size_x_m > 0 && g.pixel_size_y_m > 0))
    missing += " --pixel-size";
  if (of_q && !(g.wavelength_angstrom > 0)) missing += " --energy";
  if (missing.empty()) return {};
  return Error{Errc::usage, options.files.front() + ": does not say where its pixels are; needed:" +
                                missing + (options.poni.empty() ? ", or --poni" : "")};
}

// An image of one value a pixel; empty without a name.
Result<std::vector<float>> read_image(const std::string& path) {
  std::vector<float> out;
  if (path.empty()) return out;
  ETALON_ASSIGN(const Array array, read_input({path, "", "", ""}));
  visit(array.dtype(), [&](auto zero) {
    for (const auto v : array.as<decltype(zero)>()) out.push_back(static_cast<float>(v));
  });
  return out;
}

Result<AzimuthalOptions> settings_of(const Options& options, DType type) {
  AzimuthalOptions out;
  ETALON_ASSIGN(out.unit, parse_radial_unit(options.unit));
  ETALON_ASSIGN(out.splitting, parse_splitting(options.splitting));
  out.bins = options.bins;
  if (!options.range.empty()) out.range = {{options.range[0], options.range[1]}};
  out.polarization = options.polarization;
  out.solid_angle = !options.no_solid_angle;
  out.sigma = !options.no_sigma;
  out.valid = options.valid.empty() ? measured_values(type)
                                    : azimuthal::ValidRange{options.valid[0], options.valid[1]};
  ETALON_ASSIGN(out.flat, read_image(options.flat));
  ETALON_ASSIGN(out.dark, read_image(options.dark));
  return out;
}

// All files have the geometry of the first one: profiles of several are of no use together.
struct Input {
  Geometry geometry;
  Mask mask;
  DType dtype = DType::u16;
  std::vector<std::uint64_t> frames = {};  // of each file
};

Result<Input> look_at(const Options& options, std::span<const std::string> files) {
  Input input;
  for (const std::string& file : files) {
    ETALON_ASSIGN(const OpenOptions open, open_azimuthal(options, file));
    ETALON_ASSIGN(const auto reader, open_series(file, open));
    const SeriesInfo& info = reader->info();
    ETALON_ASSIGN(FinderView view, view_of_file(options, file, info));
    if (&file == &files.front()) {
      input = {std::move(view.geometry), std::move(view.mask), info.dtype};
    } else if (view.geometry != input.geometry || info.dtype != input.dtype ||
               view.mask != input.mask) {
      return Error{Errc::usage, file + ": its geometry, mask or type is not that of " +
                                    options.files.front() + ": integrate them one by one"};
    }
    input.frames.push_back(info.frames);
  }
  if (std::ranges::all_of(input.frames, [](std::uint64_t frames) { return frames == 0; }))
    return Error{Errc::malformed, options.files.front() + ": no frames"};
  return input;
}

Result<void> draw_profile(const std::string& path, const Options& options,
                          const ProfileSeries& series, RadialUnit unit) {
  plot::LinePlot picture;
  picture.title =
      series.frames() == 1 ? options.files.front() : "Mean of " + counted(series.frames(), "frame");
  picture.x.label = std::string(label_of(unit));
  picture.y.label = "intensity";
  picture.y.log = options.log_scale;
  picture.series = {{"", series.centres, series.all.intensity, series.all.sigma, false}};
  ETALON_ASSIGN(const plot::Picture drawn, plot::draw(picture));
  return plot::write_png(path, drawn, options.overwrite);
}

bool is_png(const std::string& path) { return path.ends_with(".png"); }

Result<void> report(const Options& options, const AzimuthalIntegrator& integrator,
                    const ProfileSeries& series, const JobReport& job) {
  const std::string out = options.output.empty() ? options.plot : options.output;
  const auto empty = std::ranges::count_if(series.all.pixels, [](double p) { return !(p > 0); });
  const double half = series.centres.size() < 2 ? 0 : (series.centres[1] - series.centres[0]) / 2;
  const double low = series.centres.front() - half, high = series.centres.back() + half;
  if (options.json) {
    nlohmann::json json = {{"schema", "etalon.analyse/1"},
                           {"kind", "azimuthal"},
                           {"files", options.files},
                           {"output", out},
                           {"frames", series.frames()},
                           {"bins", series.centres.size()},
                           {"empty_bins", empty},
                           {"unit", options.unit},
                           {"range", {low, high}},
                           {"splitting", options.splitting},
                           {"entries", integrator.entries()}};
    job.add_to(json);
    return print_report(json.dump(2), out);
  }
  char text[160];
  std::snprintf(text, sizeof text, " in %zu bins from %.6g to %.6g %s", series.centres.size(), low,
                high, options.unit.c_str());
  std::string line = out + ": " + counted(series.frames(), "frame") + text;
  if (empty > 0)
    line += ", " + counted(static_cast<std::uint64_t>(empty), "bin") + " without pixels";
  if (!job.text.empty()) line += "\n" + job.text.substr(0, job.text.size() - 1);
  return print_report(line, out);
}

Result<void> run(const Options& options) {
  ETALON_TRY(check_azimuthal(options));
  ETALON_ASSIGN(const AzimuthalSetup setup, set_up_azimuthal(options, options.files));
  AnalysisOptions how;
  how.threads = options.threads;
  how.stop = &interrupted;
  Progress progress("integrating", std::reduce(setup.frames.begin(), setup.frames.end()), "frames");
  ProfileSeries series;
  for (const std::string& file : options.files) {
    ETALON_ASSIGN(how.open, open_azimuthal(options, file));
    how.progress = [&, before = series.frames()](std::uint64_t done) {
      progress.update(before + done);
    };
    ETALON_TRY(add_profiles(file, setup.integrator, how, series));
  }
  return report_azimuthal(options, setup, series);
}

void add_geometry_options(Command& command, Options& options) {
  const auto add = [&](const char* name, auto& to, const char* type, const char* what) {
    Option* option = command.add_option(name, to, what);
    return option->type_name(type)->default_str("")->group(
        "Where the pixels are (default: as FILE says)");
  };
  Option* poni =
      add("--poni", options.poni, "FILE", "pyFAI's .poni file: a flat detector, with its tilts");
  add("--geometry", options.geometry, "GEOM", "CrystFEL's geometry file: panels")->excludes(poni);
  add("--centre", options.centre, "X,Y", "Beam centre in pixels, pixel centres at integers")
      ->excludes(poni);
  add("--distance", options.distance_m, "M", "From the sample to the detector, metres")
      ->positive()
      ->excludes(poni);
  add("--pixel-size", options.pixel_size_m, "M", "Of a pixel, metres")->positive();
  add("--energy", options.energy_kev, "KEV", "Of the photons, keV; a .poni file's own goes first")
      ->positive();
}

void add_profile_options(Command& command, Options& options) {
  command.add_option("--bins", options.bins, "Bins of the profile")
      ->range(std::size_t{1}, azimuthal::most_bins);
  command.add_option("--unit", options.unit, "q_A^-1, q_nm^-1, 2th_deg, 2th_rad or r_mm");
  command.add_option("--range", options.range, "Of the profile, in the unit (default: all pixels)")
      ->delimiter(',')
      ->expected(2)
      ->type_name("LOW,HIGH")
      ->default_str("");
  command.add_option("--splitting", options.splitting,
                     "How a pixel is shared among bins: no, bbox (evenly over its width) or full\n"
                     "(by the area of its polygon)");
  command
      .add_option("--polarization", options.polarization,
                  "Factor from -1 to 1: 1 for light polarized along the rows (default: not\n"
                  "corrected for)")
      ->type_name("P")
      ->default_str("");
  command.add_flag("--no-solid-angle", options.no_solid_angle,
                   "Do not correct for the pixels' solid angles");
  command.add_flag("--no-sigma", options.no_sigma, "Leave out sigma (Poisson's statistics)");
  command
      .add_option("--mask", options.mask,
                  "Pixels to leave out, besides the file's own mask: a (y, x) array, or a\n"
                  "dataset of FILE, that is not zero there")
      ->type_name("FILE|/PATH")
      ->default_str("");
  command
      .add_option("--valid", options.valid,
                  "Values that are measurements (default: of integers, from 0 to the largest but\n"
                  "one of the type)")
      ->delimiter(',')
      ->expected(2)
      ->type_name("LOW,HIGH")
      ->default_str("");
  for (const auto& [name, to, what] :
       {std::tuple("--flat", &options.flat, "Flat field: relative sensitivity of each pixel"),
        std::tuple("--dark", &options.dark, "Dark image, which is taken off")})
    command.add_option(name, *to, what)->type_name("FILE")->default_str("");
}

}  // namespace

Result<OpenOptions> open_azimuthal(const AzimuthalCommand& options, const std::string& file) {
  ETALON_ASSIGN(OpenOptions open, open_options({file, options.dataset, "", ""}));
  open.any_mask = !options.mask.empty();
  return open;
}

Result<void> check_azimuthal(const AzimuthalCommand& options) {
  if (options.output.empty() && options.plot.empty())
    return Error{Errc::usage, verb + ": -o or --plot is needed"};
  if (!options.output.empty() && !is_png(options.output))
    ETALON_TRY(check_profile_name(options.output));
  if (!options.plot.empty() && !is_png(options.plot))
    return Error{Errc::usage, "--plot " + options.plot + ": plots are written as .png"};
  if (!options.poni.empty() && !options.geometry.empty())
    return Error{Errc::usage, verb + ": --poni and --geometry both say where the pixels are"};
  for (const std::string& file : options.files)
    for (const std::string& out : {options.output, options.plot})
      if (!out.empty()) ETALON_TRY(refuse_same_file(file, out));
  return {};
}

Result<AzimuthalSetup> set_up_azimuthal(const AzimuthalCommand& options,
                                        std::span<const std::string> files) {
  ETALON_ASSIGN(Input input, look_at(options, files));
  ETALON_ASSIGN(AzimuthalOptions settings, settings_of(options, input.dtype));
  ETALON_TRY(check_known(options, input.geometry, settings.unit));
  ThreadPool pool(options.threads);
  auto made = AzimuthalIntegrator::create(input.geometry, input.mask, settings, pool);
  if (!made.ok()) return std::move(made).error().in(options.files.front());
  return AzimuthalSetup{std::move(*made), std::move(settings), std::move(input.frames)};
}

Result<void> report_azimuthal(const AzimuthalCommand& options, const AzimuthalSetup& setup,
                              const ProfileSeries& series, const JobReport& job) {
  const RadialUnit unit = setup.settings.unit;
  if (is_png(options.output))
    ETALON_TRY(draw_profile(options.output, options, series, unit));
  else if (!options.output.empty())
    ETALON_TRY(write_profiles(options.output, series, setup.settings, options.overwrite));
  if (!options.plot.empty()) ETALON_TRY(draw_profile(options.plot, options, series, unit));
  return report(options, setup.integrator, series, job);
}

Command* declare_azimuthal(Command& analyse, AzimuthalCommand& options) {
  Command* command = analyse.add_subcommand(
      "azimuthal", "Azimuthal integration: intensity against q or the scattering angle");
  command
      ->add_option("FILE", options.files,
                   "Images: HDF5 (NXmx), CBF, TIFF, .npy, a folder or a pattern of these")
      ->required()
      ->type_name("")
      ->default_str("");
  command
      ->add_option("-o,--output", options.output,
                   "Profile: .csv, .xy, .xye, .png, or .h5, which also has one of each frame;\n"
                   "- is CSV on standard output")
      ->type_name("OUT")
      ->default_str("");
  command->add_option("--plot", options.plot, "Plot of the profile, besides the output")
      ->type_name("PNG")
      ->default_str("");
  command->add_flag("--log", options.log_scale, "Plot with a logarithmic intensity");
  add_geometry_options(*command, options);
  add_profile_options(*command, options);
  command->add_option("--dataset", options.dataset, "Image dataset, where a file has several")
      ->type_name("/PATH")
      ->default_str("");
  command->add_flag("-f,--force", options.overwrite, "Overwrite the output");
  command->add_flag("--json", options.json, "Print JSON");
  command->footer(
      "Definitions are pyFAI's (integrate1d_ng): docs/azimuthal.md.\n\n"
      "  etalon analyse azimuthal ceria.h5 --poni ceria.poni --unit 2th_deg -o ceria.xye\n"
      "  etalon analyse azimuthal run7_master.h5 --polarization 0.99 -o run7_profiles.h5 --plot "
      "run7.png");
  return command;
}

void add_analyse_azimuthal(Cli& cli, Command& analyse) {
  auto options = std::make_shared<AzimuthalCommand>();
  Command* command = declare_azimuthal(analyse, *options);
  command->callback([&cli, options] { cli.chosen = [options] { return run(*options); }; });
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
}

}  // namespace etalon::cli
