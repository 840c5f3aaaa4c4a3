#include "stream/message_body.hpp"

#include <cmath>

namespace etalon::wire {
namespace {

using cbor::List;
using cbor::Value;

constexpr std::uint64_t max_extent = 1u << 17;
constexpr std::uint64_t max_pixels = 1u << 28;
constexpr std::size_t peak_bytes = 28;

Error bad(std::string_view what, std::string_view reason) {
  return {Errc::malformed, std::string(what) + ": " + std::string(reason)};
}

Value panels_value(const std::vector<Panel>& panels) {
  List list;
  list.reserve(panels.size());
  for (const Panel& p : panels) list.emplace_back(List{p.y0, p.y1, p.x0, p.x1});
  return list;
}

Result<std::vector<Panel>> panels(const Value& map, const Geometry& geometry) {
  ETALON_ASSIGN(const Value* value, map.at("panels"));
  ETALON_ASSIGN(const List* list, value->as_list("panels"));
  std::vector<Panel> out;
  for (const Value& item : *list) {
    ETALON_ASSIGN(const List* four, item.as_list("panel"));
    if (four->size() != 4) return bad("panel", "not four numbers");
    std::array<std::size_t, 4> n;
    for (std::size_t i = 0; i < 4; ++i) {
      ETALON_ASSIGN(n[i], (*four)[i].as_uint("panel"));
    }
    const Panel panel{n[0], n[1], n[2], n[3]};
    if (panel.y0 >= panel.y1 || panel.x0 >= panel.x1 || panel.y1 > geometry.ny ||
        panel.x1 > geometry.nx)
      return bad("panel", "not inside the image");
    out.push_back(panel);
  }
  return out;
}

Value places_value(const std::vector<PanelPlace>& places) {
  List list;
  list.reserve(places.size());
  for (const PanelPlace& p : places) {
    List nine;
    for (const Vector3* v : {&p.origin_m, &p.x_step_m, &p.y_step_m})
      for (const double x : *v) nine.emplace_back(x);
    list.emplace_back(std::move(nine));
  }
  return list;
}

// A place for every panel, or none.
Result<std::vector<PanelPlace>> places(const Value& map, std::size_t panels) {
  std::vector<PanelPlace> out;
  const Value* value = map.find("places");
  if (value == nullptr) return out;
  ETALON_ASSIGN(const List* list, value->as_list("places"));
  if (list->size() != panels) return bad("places", "not one for each panel");
  for (const Value& item : *list) {
    ETALON_ASSIGN(const List* nine, item.as_list("place"));
    if (nine->size() != 9) return bad("place", "not nine numbers");
    PanelPlace& p = out.emplace_back();
    for (std::size_t i = 0; i < 9; ++i) {
      ETALON_ASSIGN(const double x, (*nine)[i].as_double("place"));
      if (!std::isfinite(x)) return bad("place", "not finite");
      (i < 3 ? p.origin_m : i < 6 ? p.x_step_m : p.y_step_m)[i % 3] = x;
    }
  }
  return out;
}

Result<Geometry> geometry(const Value& map) {
  Geometry g;
  ETALON_ASSIGN(g.ny, uint_at(map, "ny"));
  ETALON_ASSIGN(g.nx, uint_at(map, "nx"));
  if (g.ny == 0 || g.nx == 0 || g.ny > max_extent || g.nx > max_extent || g.ny * g.nx > max_pixels)
    return bad("ny, nx", "no image has this size");
  ETALON_ASSIGN(g.centre_x, number_at(map, "centre_x"));
  ETALON_ASSIGN(g.centre_y, number_at(map, "centre_y"));
  ETALON_ASSIGN(g.pixel_size_x_m, number_at(map, "pixel_size_x_m"));
  ETALON_ASSIGN(g.pixel_size_y_m, number_at(map, "pixel_size_y_m"));
  ETALON_ASSIGN(g.distance_m, number_at(map, "distance_m"));
  ETALON_ASSIGN(g.wavelength_angstrom, number_at(map, "wavelength_angstrom"));
  ETALON_ASSIGN(g.panels, panels(map, g));
  ETALON_ASSIGN(g.places, places(map, g.panels.size()));
  return g;
}

Value artifacts_value(const std::vector<Artifact>& artifacts) {
  List list;
  for (const Artifact& a : artifacts) {
    Value item;
    item.set("role", a.role).set("hash", to_bytes(a.hash.bytes)).set("path", a.path);
    list.push_back(std::move(item));
  }
  return list;
}

Result<std::vector<Artifact>> artifacts(const Value& map, std::string_view key) {
  ETALON_ASSIGN(const Value* value, map.at(key));
  ETALON_ASSIGN(const List* list, value->as_list(key));
  std::vector<Artifact> out;
  for (const Value& item : *list) {
    Artifact a;
    ETALON_ASSIGN(a.role, text_at(item, "role"));
    ETALON_ASSIGN(a.hash.bytes, fixed<32>(item, "hash"));
    ETALON_ASSIGN(a.path, text_at(item, "path"));
    out.push_back(std::move(a));
  }
  return out;
}

}  // namespace

Result<std::uint64_t> uint_at(const Value& map, std::string_view key) {
  ETALON_ASSIGN(const Value* value, map.at(key));
  return value->as_uint(key);
}

Result<double> number_at(const Value& map, std::string_view key) {
  ETALON_ASSIGN(const Value* value, map.at(key));
  ETALON_ASSIGN(const double number, value->as_double(key));
  if (!std::isfinite(number)) return bad(key, "not finite");
  return number;
}

Result<std::string> text_at(const Value& map, std::string_view key) {
  ETALON_ASSIGN(const Value* value, map.at(key));
  return value->as_text(key);
}

Result<bool> bool_at(const Value& map, std::string_view key) {
  ETALON_ASSIGN(const Value* value, map.at(key));
  return value->as_bool(key);
}

Value to_cbor(const SeriesInfo& info) {
  const Geometry& g = info.geometry;
  const ByteSpan mask = std::as_bytes(std::span(info.pixel_mask));
  Value v;
  v.set("name", info.name).set("frames", info.frames);
  v.set("dtype", name_of(info.dtype)).set("ny", g.ny).set("nx", g.nx);
  v.set("centre_x", g.centre_x).set("centre_y", g.centre_y);
  v.set("pixel_size_x_m", g.pixel_size_x_m).set("pixel_size_y_m", g.pixel_size_y_m);
  v.set("distance_m", g.distance_m).set("wavelength_angstrom", g.wavelength_angstrom);
  v.set("panels", panels_value(g.panels)).set("pixel_mask", Bytes(mask.begin(), mask.end()));
  if (!g.places.empty()) v.set("places", places_value(g.places));
  v.set("saturation_value", info.saturation_value).set("count_time_s", info.count_time_s);
  v.set("frame_time_s", info.frame_time_s).set("start_time", info.start_time);
  v.set("detector", info.detector).set("sensor_material", info.sensor_material);
  v.set("sensor_thickness_m", info.sensor_thickness_m);
  return v;
}

Result<SeriesInfo> series_info(const Value& v) {
  SeriesInfo info;
  ETALON_ASSIGN(info.name, text_at(v, "name"));
  ETALON_ASSIGN(info.frames, uint_at(v, "frames"));
  ETALON_ASSIGN(const std::string dtype, text_at(v, "dtype"));
  ETALON_ASSIGN(info.dtype, parse_dtype(dtype));
  ETALON_ASSIGN(info.geometry, geometry(v));
  ETALON_ASSIGN(const Value* mask_value, v.at("pixel_mask"));
  ETALON_ASSIGN(const ByteSpan mask, mask_value->as_bytes("pixel_mask"));
  if (!mask.empty()) {
    if (mask.size() != info.geometry.pixels() * sizeof(std::uint32_t))
      return bad("pixel_mask", "not the size of the image");
    info.pixel_mask.resize(info.geometry.pixels());
    std::memcpy(info.pixel_mask.data(), mask.data(), mask.size());
  }
  ETALON_ASSIGN(info.saturation_value, number_at(v, "saturation_value"));
  ETALON_ASSIGN(info.count_time_s, number_at(v, "count_time_s"));
  ETALON_ASSIGN(info.frame_time_s, number_at(v, "frame_time_s"));
  ETALON_ASSIGN(info.start_time, text_at(v, "start_time"));
  ETALON_ASSIGN(info.detector, text_at(v, "detector"));
  ETALON_ASSIGN(info.sensor_material, text_at(v, "sensor_material"));
  ETALON_ASSIGN(info.sensor_thickness_m, number_at(v, "sensor_thickness_m"));
  return info;
}

Value to_cbor(const Record& record) {
  Value v;
  v.set("kind", record.kind).set("inputs", artifacts_value(record.inputs));
  v.set("outputs", artifacts_value(record.outputs)).set("settings", record.settings);
  v.set("program", record.program);
  return v;
}

Result<Record> record(const Value& v) {
  Record out;
  ETALON_ASSIGN(out.kind, text_at(v, "kind"));
  ETALON_ASSIGN(out.inputs, artifacts(v, "inputs"));
  ETALON_ASSIGN(out.outputs, artifacts(v, "outputs"));
  ETALON_ASSIGN(const Value* settings, v.at("settings"));
  out.settings = *settings;
  ETALON_ASSIGN(out.program, text_at(v, "program"));
  return out;
}

Bytes pack_peaks(const std::vector<Peak>& peaks) {
  ByteWriter out;
  for (const Peak& p : peaks) {
    for (float f : {p.x, p.y, p.intensity, p.max, p.sigma, p.snr}) out.put(f);
    out.put(p.pixels);
  }
  return out.take();
}

Result<std::vector<Peak>> unpack_peaks(ByteSpan bytes) {
  if (bytes.size() % peak_bytes != 0) return bad("peaks", "not a whole number of peaks");
  std::vector<Peak> peaks(bytes.size() / peak_bytes);
  ByteReader in(bytes);
  for (Peak& p : peaks) {
    for (float* f : {&p.x, &p.y, &p.intensity, &p.max, &p.sigma, &p.snr}) {
      ETALON_ASSIGN(*f, in.get<float>());
    }
    ETALON_ASSIGN(p.pixels, in.get<std::uint32_t>());
    if (!std::isfinite(p.x) || !std::isfinite(p.y)) return bad("peaks", "a position is not finite");
  }
  return peaks;
}

}  // namespace etalon::wire
