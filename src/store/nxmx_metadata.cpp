#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.hpp"
#include "frame/image_shape.hpp"
#include "store/nxmx_modules.hpp"
#include "store/nxmx_reader.hpp"
#include "store/nxmx_units.hpp"
#include "store/remarks.hpp"

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

// Text of a file as people may see it.
std::string shown(std::string text) {
  constexpr std::size_t most = 40;
  if (text.size() > most) text.resize(most);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  return "'" + to_utf8(text) + "'";
}

// What a file says and cannot be taken is told of.
class Values {
 public:
  explicit Values(const h5::File& file) : file_(file) {}

  std::optional<double> number(const std::string& name, std::span<const Unit> units) const {
    const std::optional<h5::Number> number = file_.number(name);
    const std::optional<double> value = convert(number, units);
    if (!value && is_there(name, number))
      left_out(name, "no unit " + shown(number->units) + " is known for it");
    return value;
  }
  double count(const std::string& name) const {
    const std::optional<h5::Number> number = file_.number(name);
    return is_there(name, number) ? number->value : 0;
  }
  // In pixels; lengths are divided by a pixel's.
  double centre(const std::string& name, double pixel_m) const {
    const std::optional<h5::Number> number = file_.number(name);
    if (!is_there(name, number)) return 0;
    if (number->units.empty() || number->units.starts_with("pixel")) return number->value;
    const auto metres = convert(number, length_units);
    if (!metres)
      left_out(name, "no unit " + shown(number->units) + " is known for it");
    else if (!(pixel_m > 0))
      left_out(name, "is a length, and the size of a pixel is not known");
    return metres && pixel_m > 0 ? *metres / pixel_m : 0;
  }
  std::string text(const std::string& name) const {
    const std::optional<std::string> text = file_.text(name);
    if (!text && file_.exists(name)) left_out(name, "is no text");
    return text.value_or("");
  }

 private:
  bool is_there(const std::string& name, const std::optional<h5::Number>& number) const {
    if (number && std::isfinite(number->value)) return true;
    if (number)
      left_out(name, "is not finite");
    else if (file_.exists(name))
      left_out(name, "is no number");
    return false;
  }
  void left_out(const std::string& name, const std::string& why) const {
    remark(file_.path() + ": " + name + ": " + why + ": left out");
  }

  const h5::File& file_;
};

// Every value but 0 is a bad pixel, also where it is no NeXus bit.
std::uint32_t nexus_bits(std::uint64_t value) {
  constexpr std::uint32_t unknown = 1U << 8;
  const auto bits = static_cast<std::uint32_t>(value);
  return value != 0 && bits == 0 ? unknown : bits;
}

// One that is of other images, of floats or damaged is not left out: nobody would see that pixels
// are taken for good.
Result<void> read_mask(const h5::File& file, const std::string& name, SeriesInfo& info) {
  const Geometry& g = info.geometry;
  ETALON_ASSIGN(const h5::Dataset mask, file.dataset(name));
  if (!is_image_of(mask.shape(), g.ny, g.nx))
    return Error{Errc::malformed, mask.place() + ": is of " + to_string(mask.shape()) +
                                      " and no mask of images of " + to_string(Shape{g.ny, g.nx})};
  if (is_float(mask.dtype()))
    return Error{Errc::malformed, mask.place() + ": is of " + std::string(name_of(mask.dtype())) +
                                      " and no mask: that has integers"};
  ETALON_ASSIGN(const Array all, mask.read_all());
  info.pixel_mask.resize(all.count());
  visit(all.dtype(), [&](auto zero) {
    const auto values = all.as<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); ++i)
      info.pixel_mask[i] = nexus_bits(static_cast<std::uint64_t>(values[i]));
  });
  return {};
}

// The mask of the detector; DECTRIS masters have it among what is special to theirs. A name that
// leads nowhere is no reason to go without.
Result<void> read_pixel_mask(const h5::File& file, const std::string& detector, bool any_mask,
                             SeriesInfo& info) {
  for (const std::string& group : {detector, detector + "detectorSpecific/"}) {
    if (std::ranges::count(file.members(group), "pixel_mask") == 0) continue;
    auto read = read_mask(file, group + "pixel_mask", info);
    if (read.ok() || !any_mask) return read;
    remark(read.error().message + ": left out");
    return {};
  }
  return {};
}

}  // namespace

std::string find_detector(const h5::File& file, const std::string& images) {
  return detector_of_entry(file, find_entry(file, images));
}

Result<void> read_nxmx_metadata(const h5::File& file, const std::string& images, bool any_mask,
                                SeriesInfo& info) {
  const std::string entry = find_entry(file, images);
  const std::string detector = detector_of_entry(file, entry);
  const Values values(file);
  Geometry& g = info.geometry;
  const auto length = [&](const std::string& name) {
    return values.number(detector + name, length_units);
  };
  const auto seconds = [&](const std::string& name) {
    return values.number(detector + name, time_units).value_or(0);
  };
  g.pixel_size_x_m = length("x_pixel_size").value_or(0);
  g.pixel_size_y_m = length("y_pixel_size").value_or(0);
  auto distance = length("distance");
  if (!distance) distance = length("detector_distance");
  g.distance_m = distance.value_or(0);
  g.centre_x = values.centre(detector + "beam_center_x", g.pixel_size_x_m);
  g.centre_y = values.centre(detector + "beam_center_y", g.pixel_size_y_m);
  for (const char* name :
       {"/instrument/beam/incident_wavelength", "/sample/beam/incident_wavelength",
        "/instrument/monochromator/wavelength", "/instrument/beam/wavelength"}) {
    if (const auto value = values.number(entry + name, wavelength_units)) {
      g.wavelength_angstrom = *value;
      break;
    }
  }
  info.count_time_s = seconds("count_time");
  info.frame_time_s = seconds("frame_time");
  info.saturation_value = values.count(detector + "saturation_value");
  const double thickness_m = length("sensor_thickness").value_or(0);
  // Some files give micrometres and no unit; no sensor is ten centimetres thick.
  if (thickness_m < 0.1) info.sensor_thickness_m = thickness_m;
  info.sensor_material = values.text(detector + "sensor_material");
  info.detector = values.text(detector + "description");
  info.start_time = values.text(entry + "/start_time");
  read_nxmx_modules(file, detector, file.exists(detector + "beam_center_x"), g);
  return read_pixel_mask(file, detector, any_mask, info);
}

}  // namespace etalon
