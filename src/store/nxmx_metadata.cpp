#include <array>
#include <cmath>

#include "store/nxmx_modules.hpp"
#include "store/nxmx_reader.hpp"
#include "store/nxmx_units.hpp"

namespace etalon {
namespace {

// The nearest group above `images` that has a member "instrument".
std::string find_entry(const h5::File& file, std::string images) {
  if (images.empty() || images.front() != '/') images = std::string("/") + images;
  while (true) {
    const std::size_t slash = images.rfind('/');
    if (slash == std::string::npos) return "";
    images.resize(slash);
    if (file.exists(images + "/instrument")) return images;
    if (images.empty()) return file.exists("/entry/instrument") ? "/entry" : "";
  }
}

std::string detector_of_entry(const h5::File& file, const std::string& entry) {
  const std::string instrument = entry + "/instrument/";
  if (file.exists(instrument + "detector")) return instrument + "detector/";
  for (const std::string& name : file.members(instrument))
    if (file.attribute(instrument + name, "NX_class") == "NXdetector")
      return instrument + name + "/";
  return instrument + "detector/";
}

// Of another shape or of floats it is none. One that is damaged is not left out: nobody would see
// that pixels are taken for good.
Result<void> read_pixel_mask(const h5::File& file, const std::string& detector, SeriesInfo& info) {
  const std::string name = detector + "pixel_mask";
  if (!file.exists(name)) return {};
  auto dataset = file.dataset(name);
  if (!dataset.ok() || dataset->shape().count() != info.geometry.pixels()) return {};
  if (is_float(dataset->dtype())) return {};
  ETALON_ASSIGN(const Array all, dataset->read_all());
  info.pixel_mask.resize(all.count());
  visit(all.dtype(), [&](auto zero) {
    const auto values = all.as<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); ++i)
      info.pixel_mask[i] = static_cast<std::uint32_t>(values[i]);
  });
  return {};
}

}  // namespace

std::string find_detector(const h5::File& file, const std::string& images) {
  return detector_of_entry(file, find_entry(file, images));
}

Result<void> read_nxmx_metadata(const h5::File& file, const std::string& images, SeriesInfo& info) {
  const std::string entry = find_entry(file, images);
  const std::string detector = detector_of_entry(file, entry);
  Geometry& g = info.geometry;
  const auto length = [&](const std::string& name) {
    return convert(file.number(detector + name), length_units);
  };
  const auto seconds = [&](const std::string& name) {
    return convert(file.number(detector + name), time_units).value_or(0);
  };
  g.pixel_size_x_m = length("x_pixel_size").value_or(0);
  g.pixel_size_y_m = length("y_pixel_size").value_or(0);
  auto distance = length("distance");
  if (!distance) distance = length("detector_distance");
  g.distance_m = distance.value_or(0);
  const auto centre = [&](const std::string& name, double pixel_m) {
    const std::optional<h5::Number> number = file.number(detector + name);
    if (!number || !std::isfinite(number->value)) return 0.0;
    if (number->units.empty() || number->units.starts_with("pixel")) return number->value;
    const auto metres = convert(number, length_units);
    return metres && pixel_m > 0 ? *metres / pixel_m : 0.0;
  };
  g.centre_x = centre("beam_center_x", g.pixel_size_x_m);
  g.centre_y = centre("beam_center_y", g.pixel_size_y_m);
  for (const char* name :
       {"/instrument/beam/incident_wavelength", "/sample/beam/incident_wavelength",
        "/instrument/monochromator/wavelength", "/instrument/beam/wavelength"}) {
    if (const auto value = convert(file.number(entry + name), wavelength_units)) {
      g.wavelength_angstrom = *value;
      break;
    }
  }
  info.count_time_s = seconds("count_time");
  info.frame_time_s = seconds("frame_time");
  if (const auto value = file.number(detector + "saturation_value"))
    info.saturation_value = value->value;
  const double thickness_m = length("sensor_thickness").value_or(0);
  // Some files give micrometres and no unit; no sensor is ten centimetres thick.
  if (thickness_m < 0.1) info.sensor_thickness_m = thickness_m;
  info.sensor_material = file.text(detector + "sensor_material").value_or("");
  info.detector = file.text(detector + "description").value_or("");
  info.start_time = file.text(entry + "/start_time").value_or("");
  read_nxmx_modules(file, detector, file.exists(detector + "beam_center_x"), g);
  return read_pixel_mask(file, detector, info);
}

}  // namespace etalon
