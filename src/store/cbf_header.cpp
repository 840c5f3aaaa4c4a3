#include <charconv>
#include <cmath>

#include "store/cbf.hpp"

namespace etalon {
namespace {

// The next number in `text`, which is cut after it; 0 when there is none.
double next_number(std::string_view& text) {
  const std::size_t at = text.find_first_of("0123456789.-");
  if (at == std::string_view::npos) return 0;
  double value = 0;
  const auto [end, status] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (status != std::errc{} || !std::isfinite(value)) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool is_date(std::string_view line) {
  return line.size() >= 19 && line[4] == '-' && line[7] == '-' && line[10] == 'T' &&
         line[13] == ':' && line[16] == ':';
}

void parse_line(std::string_view line, SeriesInfo& info) {
  Geometry& g = info.geometry;
  const auto value = [&](std::string_view key) {
    std::string_view rest = line.substr(key.size());
    return next_number(rest);
  };
  const auto is = [&](std::string_view key) { return line.starts_with(key); };
  if (is_date(line)) {
    info.start_time = line.substr(0, line.find(' '));
  } else if (is("Detector: ")) {
    info.detector = line.substr(10);
  } else if (is("Pixel_size ")) {
    std::string_view rest = line.substr(11);
    g.pixel_size_x_m = next_number(rest);
    g.pixel_size_y_m = next_number(rest);
  } else if (is("Beam_xy ")) {
    std::string_view rest = line.substr(8);
    g.centre_x = next_number(rest);
    g.centre_y = next_number(rest);
  } else if (is("Detector_distance ")) {
    g.distance_m = value("Detector_distance ");
  } else if (is("Wavelength ")) {
    g.wavelength_angstrom = value("Wavelength ");
  } else if (is("Count_cutoff ")) {
    info.saturation_value = value("Count_cutoff ");
  } else if (is("Exposure_time ")) {
    info.count_time_s = value("Exposure_time ");
  } else if (is("Exposure_period ")) {
    info.frame_time_s = value("Exposure_period ");
  } else if (const std::size_t at = line.find(" sensor, thickness ");
             at != std::string_view::npos) {
    const std::string_view material = line.substr(0, at);
    info.sensor_material = material == "Silicon" ? "Si" : material;
    info.sensor_thickness_m = value(line.substr(0, at + 19));
  }
}

}  // namespace

void parse_pilatus_header(std::string_view text, SeriesInfo& info) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.starts_with("# ")) parse_line(line.substr(2, 512), info);
  }
}

}  // namespace etalon
