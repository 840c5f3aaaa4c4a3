#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "stream/simplon_message.hpp"

namespace etalon {
namespace {

constexpr double electronvolt_angstrom = 12398.419843320026;  // h c, from the exact SI constants

}  // namespace

SeriesInfo series_info(const SimplonStart& s, const std::string& channel) {
  SeriesInfo info;
  info.name = "series_" + std::to_string(s.series_id);
  info.frames = s.number_of_images;
  if (auto dtype = parse_dtype(s.image_dtype); dtype.ok()) info.dtype = *dtype;
  Geometry& g = info.geometry;
  g.ny = s.image_size_y;
  g.nx = s.image_size_x;
  g.centre_x = s.beam_center_x;
  g.centre_y = s.beam_center_y;
  g.pixel_size_x_m = s.pixel_size_x;
  g.pixel_size_y_m = s.pixel_size_y;
  g.distance_m = std::abs(s.detector_translation[2]);
  g.wavelength_angstrom = s.incident_wavelength;
  if (g.wavelength_angstrom == 0 && s.incident_energy > 0)
    g.wavelength_angstrom = electronvolt_angstrom / s.incident_energy;
  if (const auto mask = s.pixel_mask.find(channel); mask != s.pixel_mask.end()) {
    const auto pixels = mask->second.as<std::uint32_t>();
    info.pixel_mask.assign(pixels.begin(), pixels.end());
  }
  info.saturation_value = static_cast<double>(s.saturation_value);
  info.count_time_s = s.count_time;
  info.frame_time_s = s.frame_time;
  info.start_time = s.arm_date;
  info.detector = s.detector_description;
  info.sensor_material = s.sensor_material;
  info.sensor_thickness_m = s.sensor_thickness;
  return info;
}

Result<SimplonStart> simplon_start(const SeriesInfo& info, const std::string& channel) {
  SimplonStart s;
  switch (size_of(info.dtype)) {
    case 1:
      s.image_dtype = "uint8";
      break;
    case 2:
      s.image_dtype = "uint16";
      break;
    case 4:
      s.image_dtype = "uint32";
      break;
    default:
      break;
  }
  if (is_float(info.dtype) || s.image_dtype.empty())
    return Error{Errc::usage, std::string(name_of(info.dtype)) +
                                  " pixels: the stream carries integers of 8, 16 and 32 bits"};
  const Geometry& g = info.geometry;
  s.number_of_images = info.frames;
  s.channels = {channel};
  s.image_size_x = g.nx;
  s.image_size_y = g.ny;
  s.beam_center_x = g.centre_x;
  s.beam_center_y = g.centre_y;
  s.pixel_size_x = g.pixel_size_x_m;
  s.pixel_size_y = g.pixel_size_y_m;
  s.detector_translation = {0, 0, g.distance_m};
  s.incident_wavelength = g.wavelength_angstrom;
  if (g.wavelength_angstrom > 0) s.incident_energy = electronvolt_angstrom / g.wavelength_angstrom;
  s.saturation_value =
      static_cast<std::uint64_t>(std::clamp(info.saturation_value, 0.0, 4294967295.0));
  s.count_time = info.count_time_s;
  s.frame_time = info.frame_time_s;
  s.arm_date = info.start_time;
  s.detector_description = info.detector;
  s.sensor_material = info.sensor_material;
  s.sensor_thickness = info.sensor_thickness_m;
  s.enabled["pixel_mask_enabled"] = !info.pixel_mask.empty();
  if (info.pixel_mask.size() == g.pixels() && g.pixels() > 0) {
    Array mask(DType::u32, {g.ny, g.nx});
    std::copy(info.pixel_mask.begin(), info.pixel_mask.end(), mask.as<std::uint32_t>().begin());
    s.pixel_mask.emplace(channel, std::move(mask));
  }
  return s;
}

Array simplon_pixels(Array image) {
  return visit(image.dtype(), [&](auto zero) -> Array {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      using U = std::make_unsigned_t<T>;
      Array out(DTypeOf<U>::value, image.shape());
      std::ranges::transform(image.as<T>(), out.as<U>().begin(), [](T value) {
        return value < 0 ? std::numeric_limits<U>::max() : static_cast<U>(value);
      });
      return out;
    } else {
      return std::move(image);
    }
  });
}

}  // namespace etalon
