#include "case_file.hpp"

#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "store/file.hpp"
#include "store/series_reader.hpp"

namespace etalon::conformance {
namespace {

using Json = nlohmann::ordered_json;

double shortest(float value) {  // so that JSON shows 20.6, and gives the same f32 back
  char text[32];
  double result = value;
  std::from_chars(text, std::to_chars(text, text + sizeof text, value).ptr, result);
  return result;
}

// Calls f(name, member) for every parameter of the case's finder.
template <typename Settings, typename F>
void for_parameters(Settings& s, F&& f) {
  if (s.method == FindMethod::peakfinder8) {
    auto& p = s.parameters;
    f("threshold", p.threshold), f("snr", p.snr);
    f("min_pixels", p.min_pixels), f("max_pixels", p.max_pixels);
    f("local_radius", p.local_radius);
    f("min_radius", p.min_radius), f("max_radius", p.max_radius);
  } else {
    auto& p = s.dispersion;
    f("kernel_rows", p.kernel_size[0]), f("kernel_columns", p.kernel_size[1]);
    f("sigma_background", p.sigma_background), f("sigma_strong", p.sigma_strong);
    f("threshold", p.threshold), f("gain", p.gain), f("min_local", p.min_local);
    f("min_pixels", p.min_pixels), f("max_pixels", p.max_pixels);
    f("max_separation", p.max_separation);
    f("min_radius", p.min_radius), f("max_radius", p.max_radius);
  }
}

template <typename AnyPeak, typename F>
void for_members(AnyPeak& p, F&& f) {
  f("x", p.x), f("y", p.y), f("intensity", p.intensity), f("max", p.max);
  f("sigma", p.sigma), f("snr", p.snr), f("pixels", p.pixels);
}

const auto put_into(Json& json) {
  return [&json](const char* name, const auto& value) {
    if constexpr (std::is_floating_point_v<std::remove_cvref_t<decltype(value)>>)
      json[name] = shortest(value);
    else
      json[name] = value;
  };
}
const auto take_from(const Json& json) {
  return [&json](const char* name, auto& value) { json.at(name).get_to(value); };
}

}  // namespace

Result<Case> read_case(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  Case c;
  c.name = name;
  ETALON_ASSIGN(const Bytes text, read_file(path + ".json"));
  ETALON_ASSIGN(c.image, read_array(path + ".npy"));
  ETALON_ASSIGN(const Array mask, read_array(path + ".mask.npy"));
  c.geometry.ny = c.image.shape()[0];
  c.geometry.nx = c.image.shape()[1];
  for (const std::uint8_t good : mask.as<std::uint8_t>()) c.mask.push_back(good);
  try {
    const Json json = Json::parse(text_of(text));
    const std::string semantics = json.at("semantics");
    ETALON_ASSIGN(c.settings.method, parse_find_method(semantics.substr(0, semantics.find('/'))));
    if (semantics != semantics_of(c.settings.method))
      return Error{Errc::usage, path + ": of " + semantics};
    c.why = json.at("why");
    c.geometry.centre_x = json.at("centre").at(0);
    c.geometry.centre_y = json.at("centre").at(1);
    for (const Json& p : json.at("panels"))
      c.geometry.panels.push_back({p.at(0), p.at(1), p.at(2), p.at(3)});
    for_parameters(c.settings, take_from(json.at("parameters")));
    for (const Json& peak : json.at("peaks")) for_members(c.peaks.emplace_back(), take_from(peak));
  } catch (const Json::exception& e) {
    return Error{Errc::malformed, path + ": " + e.what()};
  }
  return c;
}

Result<void> write_case(const std::string& folder, const Case& c) {
  const std::string path = folder + "/" + c.name;
  ETALON_TRY(write_array(path + ".npy", c.image.view(), true));
  Array mask(DType::u8, {c.geometry.ny, c.geometry.nx});
  std::copy(c.mask.begin(), c.mask.end(), mask.as<std::uint8_t>().begin());
  ETALON_TRY(write_array(path + ".mask.npy", mask.view(), true));
  Json json = {{"semantics", semantics_of(c.settings.method)},
               {"why", c.why},
               {"centre", {c.geometry.centre_x, c.geometry.centre_y}},
               {"panels", Json::array()},
               {"parameters", Json::object()},
               {"peaks", Json::array()}};
  for (const Panel& p : c.geometry.panels) json["panels"].push_back({p.y0, p.y1, p.x0, p.x1});
  for_parameters(c.settings, put_into(json["parameters"]));
  for (const Peak& peak : c.peaks) {
    Json row = Json::object();
    for_members(peak, put_into(row));
    json["peaks"].push_back(std::move(row));
  }
  std::ofstream(path + ".json") << json.dump(1) << "\n";
  return {};
}

}  // namespace etalon::conformance
