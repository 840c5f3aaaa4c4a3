// What DECTRIS detectors send: SIMPLON stream v2 (dectris/documentation, stream_v2/README.md), CBOR
// maps with typed arrays (RFC 8746) and compressed byte strings.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "frame/series.hpp"
#include "stream/dectris_compression.hpp"
#include "stream/packed_array.hpp"

namespace etalon {

struct SimplonAxis {
  double start = 0, increment = 0;
  bool operator==(const SimplonAxis&) const = default;
};

// Lengths in metres, times in seconds, energies in eV, wavelength in angstrom, angles in degrees;
// what the message does not say is 0 or empty.
struct SimplonStart {
  std::uint64_t series_id = 0, number_of_images = 0, saturation_value = 0;
  std::string series_unique_id, arm_date, image_dtype;
  std::string detector_description, detector_serial_number, sensor_material;
  std::vector<std::string> channels;
  std::uint64_t image_size_x = 0, image_size_y = 0;
  double beam_center_x = 0, beam_center_y = 0, pixel_size_x = 0, pixel_size_y = 0;
  double count_time = 0, frame_time = 0, incident_energy = 0, incident_wavelength = 0;
  double sensor_thickness = 0;
  std::array<double, 3> detector_translation{};
  std::map<std::string, SimplonAxis> goniometer;
  std::map<std::string, double> threshold_energy;      // by channel
  std::map<std::string, bool> enabled;                 // by name: "flatfield_enabled"
  std::map<std::string, Array> pixel_mask, flatfield;  // by channel, (y, x)
  std::optional<Array> countrate_correction_lookup_table;
  // Fields that are there and could not be used, with the reason; the rest holds all the same.
  std::vector<std::string> remarks;
};

struct SimplonTime {
  std::uint64_t numerator = 0, denominator = 1;  // seconds
  double seconds() const {
    return static_cast<double>(numerator) / static_cast<double>(denominator);
  }
  bool operator==(const SimplonTime&) const = default;
};

struct SimplonImage {
  std::uint64_t series_id = 0, image_id = 0;
  std::string series_unique_id, series_date;
  SimplonTime real_time, start_time, stop_time;
  std::vector<std::pair<std::string, PackedArray>> data;  // channel, (y, x)
};

struct SimplonEnd {
  std::uint64_t series_id = 0;
  std::string series_unique_id;
};

using SimplonMessage = std::variant<SimplonStart, SimplonImage, SimplonEnd>;

// Any well-formed CBOR, with or without tag 55799 in front, keys in any order, fields that are not
// known left out. Errors name message and field: "image 7: data.threshold_1: …". The arrays
// together take no more than `max_bytes`, and none more than the bytes that came can hold. An
// image's pixels stay in the message, packed: only unpack() sees whether they are damaged.
Result<SimplonMessage> decode_simplon(const SharedBytes& message,
                                      std::size_t max_bytes = std::size_t{1} << 30);

// With tag 55799, `type` first and floats of 64 bits, as the detectors send them.
Bytes encode_simplon(const SimplonStart& start, DectrisCompression compression);
Bytes encode_simplon(const SimplonEnd& end);

// An image in two steps, for who sends the same pixels again: the map of the channels' arrays (y,
// x), which takes the time, and the image round it; `image.data` is not looked at.
Bytes encode_simplon_data(std::span<const std::pair<std::string, Array>> channels,
                          DectrisCompression compression);
Bytes encode_simplon_image(const SimplonImage& image, ByteSpan data);

// What the rest of Etalon calls it, and back; `channel` chooses the mask. The sample's distance is
// the length of the detector's translation along the beam.
SeriesInfo series_info(const SimplonStart& start, const std::string& channel);
Result<SimplonStart> simplon_start(const SeriesInfo& info, const std::string& channel);
// The stream has no signed pixels: of signed ones, negative values, which mark pixels without a
// value, become the unsigned type's largest, which marks them on these detectors.
Array simplon_pixels(Array image);

}  // namespace etalon
