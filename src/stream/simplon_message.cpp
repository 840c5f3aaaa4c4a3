#include "stream/simplon_message.hpp"

#include <algorithm>
#include <cmath>

#include "base/cbor.hpp"
#include "stream/simplon_array.hpp"

namespace etalon {
namespace {

using cbor::Value;

// Tags that say how to look at a value, not what it is.
const Value& without(std::uint64_t tag, const Value& value) {
  const auto* t = value.get_if<std::shared_ptr<const cbor::Tagged>>();
  return t != nullptr && (*t)->tag == tag ? (*t)->content : value;
}

Result<std::string> date(const Value& value, std::string_view field) {
  return without(cbor_tag::date_time, value).as_text(field);
}

Result<SimplonTime> rational(const Value& value, const std::string& field) {
  ETALON_ASSIGN(const cbor::List* parts, value.as_list(field));
  if (parts->size() != 2)
    return Error{Errc::malformed, field + ": a numerator and a denominator are needed"};
  SimplonTime time;
  ETALON_ASSIGN(time.numerator, (*parts)[0].as_uint(field));
  ETALON_ASSIGN(time.denominator, (*parts)[1].as_uint(field));
  if (time.denominator == 0) return Error{Errc::malformed, field + ": denominator 0"};
  return time;
}

// Reads the fields of one message. What cannot be used goes to the remarks.
class Fields {
 public:
  Fields(const Value& message, std::vector<std::string>& remarks)
      : message_(message), remarks_(remarks) {}

  // `read(value, field)` gives the Result of a value for `into`.
  template <typename T, typename F>
  void get(const char* key, T& into, F&& read) {
    if (const Value* value = message_.find(key)) put(*value, key, into, read);
  }
  void number(const char* key, double& into) { get(key, into, finite); }
  void count(const char* key, std::uint64_t& into) {
    get(key, into, [](const Value& v, const std::string& f) { return v.as_uint(f); });
  }
  void text(const char* key, std::string& into) {
    get(key, into, [](const Value& v, const std::string& f) { return v.as_text(f); });
  }
  // A map from names to values: what one name holds does not spoil the others.
  template <typename T, typename F>
  void each(const char* key, std::map<std::string, T>& into, F&& read) {
    const Value* value = message_.find(key);
    if (value == nullptr) return;
    auto entries = value->as_map(key);
    if (!entries.ok()) return remark(entries.error());
    for (const auto& [name_value, content] : **entries) {
      auto name = name_value.as_text(key);
      if (!name.ok()) {
        remark(name.error());
        continue;
      }
      T made{};
      if (put(content, std::string(key) + "." + *name, made, read))
        into.insert_or_assign(*name, std::move(made));
    }
  }

  static Result<double> finite(const Value& value, const std::string& field) {
    ETALON_ASSIGN(const double number, value.as_double(field));
    if (!std::isfinite(number)) return Error{Errc::malformed, field + ": not a finite number"};
    return number;
  }

 private:
  template <typename T, typename F>
  bool put(const Value& value, const std::string& field, T& into, F&& read) {
    auto made = read(value, field);
    if (made.ok()) {
      into = std::move(made).value();
      return true;
    }
    remark(made.error());
    return false;
  }
  void remark(const Error& error) {
    if (remarks_.size() < 64) remarks_.push_back(error.message);
  }

  const Value& message_;
  std::vector<std::string>& remarks_;
};

Result<SimplonAxis> axis(const Value& value, const std::string& field) {
  SimplonAxis a;
  ETALON_TRY(value.as_map(field));
  if (const Value* start = value.find("start")) {
    ETALON_ASSIGN(a.start, Fields::finite(*start, field + ".start"));
  }
  if (const Value* increment = value.find("increment")) {
    ETALON_ASSIGN(a.increment, Fields::finite(*increment, field + ".increment"));
  }
  return a;
}

Result<std::array<double, 3>> vector3(const Value& value, const std::string& field) {
  ETALON_ASSIGN(const cbor::List* parts, value.as_list(field));
  if (parts->size() != 3) return Error{Errc::malformed, field + ": three numbers are needed"};
  std::array<double, 3> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    ETALON_ASSIGN(out[i], Fields::finite((*parts)[i], field));
  }
  return out;
}

Result<std::vector<std::string>> names(const Value& value, const std::string& field) {
  ETALON_ASSIGN(const cbor::List* parts, value.as_list(field));
  std::vector<std::string> out;
  for (const Value& part : *parts) {
    ETALON_ASSIGN(std::string name, part.as_text(field));
    out.push_back(std::move(name));
  }
  return out;
}

Result<SimplonStart> decode_start(const Value& message, std::size_t max_bytes) {
  SimplonStart s;
  ETALON_ASSIGN(const Value* id, message.at("series_id"));
  ETALON_ASSIGN(s.series_id, id->as_uint("series_id"));
  Fields fields(message, s.remarks);
  fields.count("number_of_images", s.number_of_images);
  fields.count("saturation_value", s.saturation_value);
  fields.count("image_size_x", s.image_size_x);
  fields.count("image_size_y", s.image_size_y);
  fields.text("series_unique_id", s.series_unique_id);
  fields.text("image_dtype", s.image_dtype);
  fields.text("detector_description", s.detector_description);
  fields.text("detector_serial_number", s.detector_serial_number);
  fields.text("sensor_material", s.sensor_material);
  fields.get("arm_date", s.arm_date, date);
  fields.get("channels", s.channels, names);
  fields.number("beam_center_x", s.beam_center_x);
  fields.number("beam_center_y", s.beam_center_y);
  fields.number("pixel_size_x", s.pixel_size_x);
  fields.number("pixel_size_y", s.pixel_size_y);
  fields.number("count_time", s.count_time);
  fields.number("frame_time", s.frame_time);
  fields.number("incident_energy", s.incident_energy);
  fields.number("incident_wavelength", s.incident_wavelength);
  fields.number("sensor_thickness", s.sensor_thickness);
  fields.get("detector_translation", s.detector_translation, vector3);
  fields.each("goniometer", s.goniometer, axis);
  fields.each("threshold_energy", s.threshold_energy, Fields::finite);
  for (const char* name : {"countrate_correction_enabled", "flatfield_enabled",
                           "pixel_mask_enabled", "virtual_pixel_interpolation_enabled"})
    if (message.find(name) != nullptr)
      fields.get(name, s.enabled[name],
                 [](const Value& v, const std::string& f) { return v.as_bool(f); });
  const auto image_array = [&](DType dtype) {
    return [&, dtype](const Value& v, const std::string& f) -> Result<Array> {
      ETALON_ASSIGN(const PackedArray array, find_image_array(v, f, max_bytes));
      if (array.dtype != dtype)
        return Error{Errc::malformed, f + ": elements are " + std::string(name_of(array.dtype))};
      if (array.shape != Shape{s.image_size_y, s.image_size_x})
        return Error{Errc::malformed, f + ": " + to_string(array.shape) + " for images of " +
                                          to_string(Shape{s.image_size_y, s.image_size_x})};
      max_bytes -= array.size_bytes();
      return array.unpack();
    };
  };
  fields.each("pixel_mask", s.pixel_mask, image_array(DType::u32));
  fields.each("flatfield", s.flatfield, image_array(DType::f32));
  fields.get("countrate_correction_lookup_table", s.countrate_correction_lookup_table,
             [&](const Value& v, const std::string& f) -> Result<Array> {
               ETALON_ASSIGN(const PackedArray array, find_typed_array(v, f, max_bytes));
               return array.unpack();
             });
  return s;
}

// The payloads lie in what was decoded, which `image` from now on shares.
Result<void> find_data(const Value& message, const std::shared_ptr<const void>& owner,
                       const std::string& where, SimplonImage& image, std::size_t max_bytes) {
  ETALON_ASSIGN(const Value* data, message.at("data"));
  ETALON_ASSIGN(const cbor::Map* channels, data->as_map("data"));
  if (channels->empty()) return Error{Errc::malformed, "data: no channel"};
  for (const auto& [key, value] : *channels) {
    ETALON_ASSIGN(std::string channel, key.as_text("data"));
    const std::string field = "data." + channel;
    ETALON_ASSIGN(PackedArray array, find_image_array(value, field, max_bytes));
    if (is_float(array.dtype))
      return Error{Errc::malformed, field + ": pixels are floating-point numbers"};
    max_bytes -= array.size_bytes();
    array.payload.owner = owner;
    array.field = where + ": " + field;
    image.data.emplace_back(std::move(channel), std::move(array));
  }
  return {};
}

Result<SimplonImage> decode_image(const Value& message, const std::shared_ptr<const void>& owner,
                                  std::size_t max_bytes) {
  SimplonImage i;
  ETALON_ASSIGN(const Value* id, message.at("image_id"));
  ETALON_ASSIGN(i.image_id, id->as_uint("image_id"));
  const std::string where = "image " + std::to_string(i.image_id);
  const auto rest = [&]() -> Result<void> {
    ETALON_ASSIGN(const Value* series, message.at("series_id"));
    ETALON_ASSIGN(i.series_id, series->as_uint("series_id"));
    if (const Value* unique = message.find("series_unique_id")) {
      ETALON_ASSIGN(i.series_unique_id, unique->as_text("series_unique_id"));
    }
    if (const Value* when = message.find("series_date")) {
      ETALON_ASSIGN(i.series_date, date(*when, "series_date"));
    }
    for (const auto& [key, time] : {std::pair{"real_time", &i.real_time},
                                    {"start_time", &i.start_time},
                                    {"stop_time", &i.stop_time}})
      if (const Value* value = message.find(key)) {
        ETALON_ASSIGN(*time, rational(*value, key));
      }
    return find_data(message, owner, where, i, max_bytes);
  };
  if (auto done = rest(); !done.ok()) return std::move(done).error().in(where);
  return i;
}

Result<SimplonEnd> decode_end(const Value& message) {
  SimplonEnd e;
  ETALON_ASSIGN(const Value* series, message.at("series_id"));
  ETALON_ASSIGN(e.series_id, series->as_uint("series_id"));
  if (const Value* unique = message.find("series_unique_id")) {
    ETALON_ASSIGN(e.series_unique_id, unique->as_text("series_unique_id"));
  }
  return e;
}

template <typename T>
Result<SimplonMessage> as_message(Result<T> body, std::string_view where) {
  if (!body.ok())
    return where.empty() ? std::move(body).error() : std::move(body).error().in(where);
  return SimplonMessage(std::move(body).value());
}

}  // namespace

Result<SimplonMessage> decode_simplon(const SharedBytes& bytes, std::size_t max_bytes) {
  const cbor::Limits limits{16, std::size_t{1} << 16, true};
  ETALON_ASSIGN(const Value whole, cbor::decode(bytes.bytes, limits));
  const Value& message = without(cbor_tag::self_described, whole);
  ETALON_TRY(message.as_map("message"));
  ETALON_ASSIGN(const Value* type_value, message.at("type"));
  ETALON_ASSIGN(const std::string type, type_value->as_text("type"));
  if (type == "start") return as_message(decode_start(message, max_bytes), "start");
  if (type == "image") return as_message(decode_image(message, bytes.owner, max_bytes), "");
  if (type == "end") return as_message(decode_end(message), "end");
  return Error{Errc::malformed,
               "type '" + type.substr(0, 32) + "': there are start, image and end"};
}

}  // namespace etalon
