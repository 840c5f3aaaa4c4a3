#include <bit>

#include "base/cbor.hpp"
#include "stream/simplon_array.hpp"
#include "stream/simplon_message.hpp"

namespace etalon {
namespace {

// CBOR in the order of the calls: the detectors send `type` first and every float with 64 bits,
// which the deterministic encoding of base does not.
class Writer {
 public:
  void head(unsigned major, std::uint64_t n) {
    const unsigned bytes = n < 24 ? 0 : n <= 0xFF ? 1 : n <= 0xFFFF ? 2 : n <= 0xFFFFFFFF ? 4 : 8;
    const auto info = bytes == 0 ? n : 24U + static_cast<unsigned>(std::countr_zero(bytes));
    out_.push_back(static_cast<std::byte>(major << 5 | info));
    for (unsigned i = bytes; i-- > 0;) out_.push_back(static_cast<std::byte>(n >> (8 * i)));
  }
  void map(std::size_t entries) { head(5, entries); }
  void list(std::size_t items) { head(4, items); }
  void tag(std::uint64_t number) { head(6, number); }
  void value(std::uint64_t n) { head(0, n); }
  void value(bool b) { out_.push_back(b ? std::byte{0xF5} : std::byte{0xF4}); }
  void value(double d) {
    out_.push_back(std::byte{0xFB});
    const auto bits = std::bit_cast<std::uint64_t>(d);
    for (unsigned i = 8; i-- > 0;) out_.push_back(static_cast<std::byte>(bits >> (8 * i)));
  }
  void value(std::string_view text) {
    head(3, text.size());
    append(bytes_of(text));
  }
  void value(const char* text) { value(std::string_view(text)); }
  void bytes(ByteSpan bytes) {
    head(2, bytes.size());
    append(bytes);
  }
  void date(std::string_view text) {
    tag(cbor_tag::date_time);
    value(text);
  }
  void time(const SimplonTime& t) {
    list(2);
    value(t.numerator);
    value(t.denominator);
  }
  void array(const Array& a, DectrisCompression compression) {
    if (a.shape().rank() == 2) {
      tag(cbor_tag::multi_dimensional);
      list(2);
      list(2);
      value(std::uint64_t{a.shape()[0]});
      value(std::uint64_t{a.shape()[1]});
    }
    tag(typed_array_tag(a.dtype()));
    if (compression == DectrisCompression::none) return bytes(a.view().bytes());
    const std::size_t element = size_of(a.dtype());
    tag(cbor_tag::dectris);
    list(3);
    value(name_of(compression));
    value(std::uint64_t{compression == DectrisCompression::bslz4 ? element : 0});
    bytes(compress_dectris(compression, element, a.view().bytes()));
  }
  template <typename T>
  void entry(std::string_view key, const T& v) {
    value(key);
    value(v);
  }
  void append(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

Writer begin(std::string_view type, std::size_t entries) {
  Writer w;
  w.tag(cbor_tag::self_described);
  w.map(entries);
  w.entry("type", type);
  return w;
}

void arrays(Writer& w, std::string_view key, const std::map<std::string, Array>& by_channel,
            DectrisCompression compression) {
  w.value(key);
  w.map(by_channel.size());
  for (const auto& [channel, array] : by_channel) {
    w.value(std::string_view(channel));
    w.array(array, compression);
  }
}

}  // namespace

Bytes encode_simplon(const SimplonStart& s, DectrisCompression compression) {
  const std::size_t optional = (s.pixel_mask.empty() ? 0U : 1U) + (s.flatfield.empty() ? 0U : 1U) +
                               (s.countrate_correction_lookup_table ? 1U : 0U) +
                               (s.arm_date.empty() ? 0U : 1U);
  Writer w = begin("start", 24 + optional + s.enabled.size());
  w.entry("series_id", s.series_id);
  w.entry("series_unique_id", std::string_view(s.series_unique_id));
  if (!s.arm_date.empty()) {
    w.value("arm_date");
    w.date(s.arm_date);
  }
  w.entry("beam_center_x", s.beam_center_x);
  w.entry("beam_center_y", s.beam_center_y);
  w.value("channels");
  w.list(s.channels.size());
  for (const std::string& channel : s.channels) w.value(std::string_view(channel));
  w.entry("count_time", s.count_time);
  if (s.countrate_correction_lookup_table) {
    w.value("countrate_correction_lookup_table");
    w.array(*s.countrate_correction_lookup_table, DectrisCompression::none);
  }
  w.entry("detector_description", std::string_view(s.detector_description));
  w.entry("detector_serial_number", std::string_view(s.detector_serial_number));
  w.value("detector_translation");
  w.list(3);
  for (const double x : s.detector_translation) w.value(x);
  for (const auto& [name, is_enabled] : s.enabled) w.entry(name, is_enabled);
  if (!s.flatfield.empty()) arrays(w, "flatfield", s.flatfield, compression);
  w.entry("frame_time", s.frame_time);
  w.value("goniometer");
  w.map(s.goniometer.size());
  for (const auto& [name, axis] : s.goniometer) {
    w.value(std::string_view(name));
    w.map(2);
    w.entry("increment", axis.increment);
    w.entry("start", axis.start);
  }
  w.entry("image_dtype", std::string_view(s.image_dtype));
  w.entry("image_size_x", s.image_size_x);
  w.entry("image_size_y", s.image_size_y);
  w.entry("incident_energy", s.incident_energy);
  w.entry("incident_wavelength", s.incident_wavelength);
  w.entry("number_of_images", s.number_of_images);
  if (!s.pixel_mask.empty()) arrays(w, "pixel_mask", s.pixel_mask, compression);
  w.entry("pixel_size_x", s.pixel_size_x);
  w.entry("pixel_size_y", s.pixel_size_y);
  w.entry("saturation_value", s.saturation_value);
  w.entry("sensor_material", std::string_view(s.sensor_material));
  w.entry("sensor_thickness", s.sensor_thickness);
  w.value("threshold_energy");
  w.map(s.threshold_energy.size());
  for (const auto& [channel, energy] : s.threshold_energy) w.entry(channel, energy);
  return w.take();
}

Bytes encode_simplon_data(std::span<const std::pair<std::string, Array>> channels,
                          DectrisCompression compression) {
  Writer w;
  w.map(channels.size());
  for (const auto& [channel, array] : channels) {
    w.value(std::string_view(channel));
    w.array(array, compression);
  }
  return w.take();
}

Bytes encode_simplon_image(const SimplonImage& i, ByteSpan data) {
  Writer w = begin("image", i.series_date.empty() ? 8 : 9);
  w.entry("series_id", i.series_id);
  w.entry("series_unique_id", std::string_view(i.series_unique_id));
  w.entry("image_id", i.image_id);
  w.value("real_time");
  w.time(i.real_time);
  if (!i.series_date.empty()) {
    w.value("series_date");
    w.date(i.series_date);
  }
  w.value("start_time");
  w.time(i.start_time);
  w.value("stop_time");
  w.time(i.stop_time);
  w.value("data");
  w.append(data);
  return w.take();
}

Bytes encode_simplon(const SimplonEnd& e) {
  Writer w = begin("end", 3);
  w.entry("series_id", e.series_id);
  w.entry("series_unique_id", std::string_view(e.series_unique_id));
  return w.take();
}

}  // namespace etalon
