#include "finder_options.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "store/crystfel_geometry.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {
namespace {

Error usage(const std::string& verb, const std::string& reason) {
  return {Errc::usage, verb + ": " + reason};
}

Result<void> set_centre(const std::string& verb, const std::string& file, const std::string& centre,
                        Geometry& geometry) {
  if (!geometry.places.empty()) {
    if (centre.empty()) return {};
    return usage(verb, "--centre: the panels' places say where the beam is");
  }
  if (centre.empty()) {
    if (geometry.distance_m > 0 || geometry.centre_x != 0 || geometry.centre_y != 0) return {};
    geometry.centre_x = (static_cast<double>(geometry.nx) - 1) / 2;
    geometry.centre_y = (static_cast<double>(geometry.ny) - 1) / 2;
    note(file + ": holds no beam centre: taking the middle of the image (--centre x,y)");
    return {};
  }
  char* end = nullptr;
  geometry.centre_x = std::strtod(centre.c_str(), &end);
  if (end != centre.c_str() && *end == ',') {
    const char* second = end + 1;
    geometry.centre_y = std::strtod(second, &end);
    if (end != second && *end == '\0') return {};
  }
  return usage(verb, "--centre '" + centre + "': expected x,y in pixels, such as 515.3,532.6");
}

bool is_hdf5(const std::string& path) {
  char start[8] = {};
  std::ifstream(path, std::ios::binary).read(start, sizeof start);
  return std::string_view(start, sizeof start) == "\x89HDF\r\n\x1a\n";
}

Result<Mask> mask_of(const std::string& verb, const std::string& file, const std::string& name,
                     const SeriesInfo& info) {
  Mask mask = info.mask();
  if (name.empty()) return mask;
  std::error_code ignored;
  const bool inside =
      name.front() == '/' && is_hdf5(file) && !std::filesystem::exists(name, ignored);
  OpenOptions open;
  if (inside) open.dataset = name;
  ETALON_ASSIGN(const Array array, read_array(inside ? file : name, open));
  if (array.count() != mask.size())
    return usage(verb, "--mask " + name + ": " + to_string(array.shape()) +
                           " does not fit images of " +
                           to_string(Shape{info.geometry.ny, info.geometry.nx}));
  visit(array.dtype(), [&](auto zero) {
    const auto values = array.as<decltype(zero)>();
    for (std::size_t i = 0; i < mask.size(); ++i)
      if (values[i] != 0) mask[i] = 0;
  });
  return mask;
}

}  // namespace

std::vector<CLI::Option*> add_finder_options(CLI::App& command, FinderOptions& options) {
  PeakParameters& p = options.parameters;
  return {
      command.add_option("--threshold", p.threshold, "Least value of a peak's pixels"),
      command.add_option("--snr", p.snr, "Least signal over noise, of a pixel and of a peak"),
      command.add_option("--min-pixels", p.min_pixels, "Fewest pixels of a peak"),
      command.add_option("--max-pixels", p.max_pixels, "Most pixels of a peak"),
      command.add_option("--local-radius", p.local_radius,
                         "Local background: pixels within twice this of a peak"),
      command.add_option("--centre", options.centre, "Beam centre in pixels (default: the file's)")
          ->type_name("X,Y")
          ->default_str(""),
      command.add_option("--min-radius", p.min_radius, "Leave out pixels nearer to the beam"),
      command.add_option("--max-radius", p.max_radius, "Leave out pixels farther from the beam")
          ->default_str("no limit"),
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
          ->default_str("")};
}

Result<FinderView> finder_view(const std::string& verb, const std::string& file,
                               const SeriesInfo& info, const FinderOptions& options) {
  SeriesInfo seen = info;
  if (!options.geometry.empty()) {
    ETALON_TRY(place_panels(options.geometry, seen));
  }
  FinderView view{seen.geometry, {}};
  ETALON_ASSIGN(view.mask, mask_of(verb, file, options.mask, seen));
  ETALON_TRY(set_centre(verb, file, options.centre, view.geometry));
  return view;
}

}  // namespace etalon::cli
