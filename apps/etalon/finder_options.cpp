#include "finder_options.hpp"

namespace etalon::cli {
namespace {

using CommandOptions = std::vector<Option*>;

CommandOptions add_peakfinder8_options(Command& command, FinderOptions& options) {
  PeakParameters& p = options.parameters;
  return {
      command.add_option("--threshold", p.threshold, "Least value of a peak's pixels")
          ->default_str("8; dispersion: 0"),
      command.add_option("--snr", p.snr,
                         "peakfinder8: least signal over noise, of a pixel and of a peak"),
      command.add_option("--min-pixels", p.min_pixels, "Fewest pixels of a peak")
          ->default_str("2; dispersion: 3"),
      command.add_option("--max-pixels", p.max_pixels, "Most pixels of a peak")
          ->default_str("200; dispersion: 1000"),
      command.add_option("--local-radius", p.local_radius,
                         "peakfinder8: local background of pixels within twice this of a peak"),
      command.add_option("--min-radius", p.min_radius, "Leave out pixels nearer to the beam"),
      command.add_option("--max-radius", p.max_radius, "Leave out pixels farther from the beam")
          ->default_str("no limit")};
}

CommandOptions add_dispersion_options(Command& command, FinderOptions& options) {
  DispersionParameters& p = options.dispersion;
  CommandOptions own = {
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
      command.add_option("--max-separation", p.max_separation,
                         "Most pixels between a peak's centre of mass and its largest pixel")};
  for (Option* option : own) option->group("dispersion, dispersion_extended");
  return own;
}

CommandOptions add_place_options(Command& command, FinderOptions& options) {
  return {
      command.add_option("--centre", options.centre, "Beam centre in pixels (default: the file's)")
          ->type_name("X,Y")
          ->default_str(""),
      command.add_option("--min-peaks", options.min_peaks, "Fewest peaks of a hit"),
      command
          .add_option("--mask", options.mask,
                      "Pixels to leave out, besides the file's own mask: a (y, x) array, or a\n"
                      "dataset of FILE, that is not zero there")
          ->type_name("FILE|/PATH")
          ->default_str(""),
      command
          .add_option("--geometry", options.geometry,
                      "Where the panels are: a CrystFEL geometry file (default: as FILE says)")
          ->type_name("GEOM")
          ->default_str(""),
      command
          .add_option(
              "--ice-rings", options.ice_rings,
              "Leave out pixels within half of this, in 1/d^2, of a ring of hexagonal ice,\n"
              "such as 0.002; 0: off")
          ->type_name("1/A^2"),
      command.add_option("--max-elongation", options.max_elongation,
                         "Leave out peaks on a feature that is more times as long as wide\n"
                         "(streaks), such as 3; 0: off")};
}

// What both kinds of finder have and was given holds for either.
void share(Command& command, FinderOptions& options) {
  command.parse_complete_callback([&command, &options] {
    const PeakParameters& given = options.parameters;
    DispersionParameters& d = options.dispersion;
    options.gain_given = command.count("--gain") > 0;
    options.min_pixels_given = command.count("--min-pixels") > 0;
    if (command.count("--threshold") > 0) d.threshold = given.threshold;
    if (options.min_pixels_given) d.min_pixels = given.min_pixels;
    if (command.count("--max-pixels") > 0) d.max_pixels = given.max_pixels;
    d.min_radius = given.min_radius;
    d.max_radius = given.max_radius;
    d.gain = static_cast<float>(options.gain);
  });
}

}  // namespace

CommandOptions add_finder_options(Command& command, FinderOptions& options) {
  CommandOptions own = {
      command.add_option("--method", options.method,
                         "How peaks are found: peakfinder8, dispersion or dispersion_extended"),
      command.add_option("--gain", options.gain, "Units of the image a photon")};
  for (const auto& add : {add_peakfinder8_options, add_place_options, add_dispersion_options})
    for (Option* option : add(command, options)) own.push_back(option);
  share(command, options);
  return own;
}

Result<FinderSettings> finder_settings(const std::string& verb, const FinderOptions& options) {
  auto method = parse_find_method(options.method);
  if (!method.ok()) return std::move(method).error().in(verb + ": --method");
  return FinderSettings{*method, options.parameters, options.dispersion, options.ice_rings,
                        options.max_elongation};
}

}  // namespace etalon::cli
