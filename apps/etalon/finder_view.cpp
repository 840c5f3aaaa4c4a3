#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "finder_options.hpp"
#include "frame/image_shape.hpp"
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
  if (!is_image_of(array.shape(), info.geometry.ny, info.geometry.nx))
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
