#include "find_options.hpp"

namespace etalon::cli {
namespace {

// Options of both kinds of finder show both defaults; what is given holds for either.
void share_with_dispersion(CLI::App& command, std::shared_ptr<FindOptions> options) {
  command.get_option("--threshold")->default_str("8; dispersion: 0");
  command.get_option("--min-pixels")->default_str("2; dispersion: 3");
  command.get_option("--max-pixels")->default_str("200; dispersion: 1000");
  command.parse_complete_callback([&command, options] {
    const PeakParameters& given = options->finder.parameters;
    DispersionParameters& d = options->dispersion;
    if (command.count("--threshold") > 0) d.threshold = given.threshold;
    if (command.count("--min-pixels") > 0) d.min_pixels = given.min_pixels;
    if (command.count("--max-pixels") > 0) d.max_pixels = given.max_pixels;
    d.min_radius = given.min_radius;
    d.max_radius = given.max_radius;
  });
}

void add_dispersion_options(CLI::App& command, DispersionParameters& p) {
  const std::vector<CLI::Option*> own = {
      command
          .add_option("--kernel-size", p.kernel_size,
                      "Half-widths of the window round a pixel: rows,columns")
          ->delimiter(',')
          ->type_name("Y,X")
          ->default_str("3,3"),
      command.add_option("--sigma-background", p.sigma_background,
                         "A window with a spot scatters more than Poisson's by so many standard\n"
                         "deviations"),
      command.add_option("--sigma-strong", p.sigma_strong,
                         "A spot's pixels are so many standard deviations above the background"),
      command.add_option("--min-local", p.min_local,
                         "Fewest good pixels of a window; 0: all of them"),
      command.add_option("--gain", p.gain, "Units of the image a photon"),
      command.add_option("--max-separation", p.max_separation,
                         "Most pixels between a peak's centre of mass and its largest pixel")};
  for (CLI::Option* option : own) option->group("dispersion, dispersion_extended");
}

}  // namespace

void add_find_options(CLI::App& command, std::shared_ptr<FindOptions> options) {
  command
      .add_option("file", options->file, "Series: HDF5 (NXmx), CBF, TIFF, .npy, a folder or a glob")
      ->required()
      ->type_name("FILE")
      ->default_str("");
  command
      .add_option("--dataset", options->dataset, "Images in an HDF5 file (default: as NXmx says)")
      ->type_name("/PATH")
      ->default_str("");
  command.add_option("--method", options->method,
                     "How peaks are found: peakfinder8, dispersion or dispersion_extended");
  add_finder_options(command, options->finder);
  command
      .add_option("--ice-rings", options->ice_rings,
                  "Leave out pixels within half of this, in 1/d^2, of a ring of hexagonal ice,\n"
                  "such as 0.002; 0: off")
      ->type_name("1/A^2");
  command.add_option("--max-elongation", options->max_elongation,
                     "Leave out peaks on a feature that is more times as long as wide (streaks),\n"
                     "such as 3; 0: off");
  command
      .add_flag("--auto", options->learn,
                "peakfinder8: learn threshold and snr from some of the frames, and say what they\n"
                "are and why")
      ->excludes("--threshold", "--snr");
  add_dispersion_options(command, options->dispersion);
  share_with_dispersion(command, options);
  command.add_option("--dtype", options->dtype, "Raw files: element type, such as u16")
      ->default_str("");
  command.add_option("--shape", options->shape, "Raw files: frames,rows,columns")->default_str("");
  command.add_option("-T,--threads", options->threads, "Threads (0: one per core)")
      ->check(CLI::Range(0, 1024));
  CLI::Option* json = command.add_flag("--json", options->json, "Print JSON");
  command.add_flag("--csv", options->csv, "Print one line a peak")->excludes(json);
}

Result<FinderSettings> finder_settings(const FindOptions& options) {
  auto method = parse_find_method(options.method);
  if (!method.ok()) return std::move(method).error().in("find: --method");
  if (options.learn && *method != FindMethod::peakfinder8)
    return Error{Errc::usage, "find: --auto: learns for peakfinder8 only"};
  return FinderSettings{*method, options.finder.parameters, options.dispersion, options.ice_rings,
                        options.max_elongation};
}

}  // namespace etalon::cli
