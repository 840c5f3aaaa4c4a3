#include "store/nxmx_layout.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>

#include "etalon/version.hpp"

namespace etalon {
namespace {

const std::string detector = "/entry/instrument/detector";
const std::string transformations = detector + "/transformations";

// A transformation of NXtransformations: `value` along `vector`, then the constant `offset`, on top
// of `depends_on`.
Result<void> write_translation(hid_t file, const std::string& name, double value_mm,
                               std::array<double, 3> vector, std::array<double, 3> offset_mm,
                               const std::string& depends_on) {
  ETALON_ASSIGN(const h5::Id axis, h5::write_number(file, name, value_mm, "mm"));
  ETALON_TRY(h5::set_attribute(axis, "transformation_type", "translation"));
  ETALON_TRY(h5::set_attribute(axis, "vector", vector));
  ETALON_TRY(h5::set_attribute(axis, "offset", offset_mm));
  ETALON_TRY(h5::set_attribute(axis, "offset_units", "mm"));
  return h5::set_attribute(axis, "depends_on", depends_on);
}

// In McStas coordinates: z along the beam, y up, x to the left seen along the beam. With its origin
// where readers expect it: see nxmx_modules.hpp.
PanelPlace place_of(const Geometry& g, std::size_t panel, const Panel& area) {
  if (!g.places.empty()) {
    PanelPlace place = g.places[panel];
    place.origin_m = place.at(-0.5, -0.5);
    return place;
  }
  return {{(g.centre_x - static_cast<double>(area.x0)) * g.pixel_size_x_m,
           (g.centre_y - static_cast<double>(area.y0)) * g.pixel_size_y_m, g.distance_m},
          {-g.pixel_size_x_m, 0, 0},
          {0, -g.pixel_size_y_m, 0}};
}

Result<void> write_step(hid_t file, const std::string& name, const Vector3& step_m,
                        const std::string& depends_on) {
  const double length = std::hypot(step_m[0], step_m[1], step_m[2]);
  const double scale = length > 0 ? 1 / length : 0;
  return write_translation(file, name, length * 1e3,
                           {step_m[0] * scale, step_m[1] * scale, step_m[2] * scale}, {0, 0, 0},
                           depends_on);
}

// Where the panel's first pixel is, and the steps to the next ones.
Result<void> write_module(hid_t file, const std::string& name, const Panel& panel,
                          const PanelPlace& place, double distance_m) {
  ETALON_TRY(h5::make_group(file, name, "NXdetector_module"));
  const std::int32_t origin[] = {static_cast<std::int32_t>(panel.y0),
                                 static_cast<std::int32_t>(panel.x0)};
  const std::int32_t size[] = {static_cast<std::int32_t>(panel.y1 - panel.y0),
                               static_cast<std::int32_t>(panel.x1 - panel.x0)};
  const std::span<const std::int32_t> origin_span(origin), size_span(size);
  ETALON_TRY(h5::write_array(file, name + "/data_origin", view_of(origin_span, {2})));
  ETALON_TRY(h5::write_array(file, name + "/data_size", view_of(size_span, {2})));
  const std::string offset = name + "/module_offset";
  const Vector3& at = place.origin_m;
  ETALON_TRY(write_translation(file, offset, 0, {1, 0, 0},
                               {at[0] * 1e3, at[1] * 1e3, (at[2] - distance_m) * 1e3},
                               transformations + "/det_z"));
  ETALON_TRY(write_step(file, name + "/fast_pixel_direction", place.x_step_m, offset));
  return write_step(file, name + "/slow_pixel_direction", place.y_step_m, offset);
}

Result<void> write_detector(hid_t file, const SeriesInfo& info) {
  const Geometry& g = info.geometry;
  ETALON_TRY(h5::make_group(file, detector, "NXdetector"));
  const auto number = [&](const char* name, double value, const char* units) -> Result<void> {
    if (value == 0) return {};
    ETALON_TRY(h5::write_number(file, detector + "/" + name, value, units));
    return {};
  };
  const auto text = [&](const char* name, const std::string& value) -> Result<void> {
    if (value.empty()) return {};
    ETALON_TRY(h5::write_text(file, detector + "/" + name, value));
    return {};
  };
  ETALON_TRY(text("description", info.detector));
  ETALON_TRY(text("sensor_material", info.sensor_material));
  ETALON_TRY(text("depends_on", transformations + "/det_z"));
  ETALON_TRY(number("sensor_thickness", info.sensor_thickness_m, "m"));
  ETALON_TRY(number("distance", g.distance_m, "m"));
  ETALON_TRY(number("x_pixel_size", g.pixel_size_x_m, "m"));
  ETALON_TRY(number("y_pixel_size", g.pixel_size_y_m, "m"));
  ETALON_TRY(number("count_time", info.count_time_s, "s"));
  ETALON_TRY(number("frame_time", info.frame_time_s, "s"));
  if (g.places.empty()) {
    ETALON_TRY(h5::write_number(file, detector + "/beam_center_x", g.centre_x, "pixel"));
    ETALON_TRY(h5::write_number(file, detector + "/beam_center_y", g.centre_y, "pixel"));
  }
  ETALON_TRY(h5::write_integer(file, detector + "/bit_depth_readout",
                               static_cast<std::int64_t>(8 * size_of(info.dtype))));
  if (info.saturation_value > 0 && info.saturation_value < 9e15)
    ETALON_TRY(h5::write_integer(file, detector + "/saturation_value",
                                 std::llround(info.saturation_value)));
  if (info.pixel_mask.size() == g.pixels() && !info.pixel_mask.empty()) {
    const std::span<const std::uint32_t> bits(info.pixel_mask);
    ETALON_TRY(h5::write_packed(file, detector + "/pixel_mask", view_of(bits, {g.ny, g.nx})));
  }
  ETALON_TRY(h5::make_group(file, transformations, "NXtransformations"));
  ETALON_TRY(write_translation(file, transformations + "/det_z", g.distance_m * 1e3, {0, 0, 1},
                               {0, 0, 0}, "."));
  const std::vector<Panel> panels = g.panels_or_whole();
  for (std::size_t i = 0; i < panels.size(); ++i) {
    char name[32] = "module";
    if (panels.size() > 1) std::snprintf(name, sizeof name, "module_%05zu", i);
    ETALON_TRY(write_module(file, detector + "/" + name, panels[i], place_of(g, i, panels[i]),
                            g.distance_m));
  }
  return {};
}

}  // namespace

Result<void> write_nxmx_layout(hid_t file, const SeriesInfo& info) {
  const h5::Lock lock;
  ETALON_TRY(h5::set_attribute(file, "default", "entry"));
  ETALON_TRY(h5::set_attribute(file, "creator", "etalon " + std::string(version)));
  ETALON_ASSIGN(const h5::Id entry, h5::make_group(file, "/entry", "NXentry"));
  ETALON_TRY(h5::set_attribute(entry, "default", "data"));
  ETALON_TRY(h5::write_text(file, "/entry/definition", "NXmx"));
  ETALON_TRY(h5::write_text(file, "/entry/title", info.name));
  if (!info.start_time.empty())
    ETALON_TRY(h5::write_text(file, "/entry/start_time", info.start_time));
  ETALON_ASSIGN(const h5::Id data, h5::make_group(file, "/entry/data", "NXdata"));
  ETALON_TRY(h5::set_attribute(data, "signal", "data"));
  ETALON_TRY(h5::make_group(file, "/entry/instrument", "NXinstrument"));
  ETALON_TRY(h5::write_text(file, "/entry/instrument/name",
                            info.detector.empty() ? "not known" : info.detector));
  ETALON_TRY(h5::make_group(file, "/entry/instrument/beam", "NXbeam"));
  if (info.geometry.wavelength_angstrom > 0)
    ETALON_TRY(h5::write_number(file, "/entry/instrument/beam/incident_wavelength",
                                info.geometry.wavelength_angstrom, "angstrom"));
  ETALON_TRY(write_detector(file, info));
  ETALON_TRY(h5::make_group(file, "/entry/sample", "NXsample"));
  ETALON_TRY(h5::write_text(file, "/entry/sample/name", info.name.empty() ? "sample" : info.name));
  ETALON_TRY(h5::write_text(file, "/entry/sample/depends_on", "."));
  ETALON_TRY(h5::make_group(file, "/entry/source", "NXsource"));
  ETALON_TRY(h5::write_text(file, "/entry/source/name", "not known"));
  return {};
}

std::string add_seconds(const std::string& time, double seconds) {
  using namespace std::chrono;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, used = 0;
  double s = 0;
  if (std::sscanf(time.c_str(), "%4d-%2d-%2dT%2d:%2d:%n", &y, &mo, &d, &h, &mi, &used) != 5 ||
      used == 0 || std::sscanf(time.c_str() + used, "%lf", &s) != 1)
    return "";
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                            day{static_cast<unsigned>(d)}};
  if (!date.ok() || h > 24 || mi > 59 || !(s < 61) || !(std::abs(seconds) < 1e9)) return "";
  const std::size_t zone = time.find_first_of("Z+-", static_cast<std::size_t>(used));
  const auto at =
      sys_days(date) + hours(h) + minutes(mi) + microseconds(std::llround((s + seconds) * 1e6));
  const auto midnight = floor<days>(at);
  const year_month_day on{midnight};
  const hh_mm_ss clock{floor<microseconds>(at - midnight)};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06d", int(on.year()),
                unsigned(on.month()), unsigned(on.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()),
                int(clock.subseconds().count()));
  return text + (zone == std::string::npos ? std::string() : time.substr(zone));
}

}  // namespace etalon
