#include "store/poni.hpp"

#include <charconv>
#include <cmath>
#include <map>

#include "store/file.hpp"
#include "store/number_text.hpp"

namespace etalon {
namespace {

constexpr std::size_t most_bytes = 1 << 20;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

Error wrong(std::string reason) { return {Errc::malformed, std::move(reason)}; }

Result<double> number(std::string_view text, double low, double high) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high))
    return wrong("'" + std::string(text.substr(0, 40)) + "' is no number that can stand here");
  return value;
}

// The members of a flat JSON object whose values are numbers or lists of numbers; others are passed
// over.
class ConfigReader {
 public:
  explicit ConfigReader(std::string_view text) : rest_(trimmed(text)) {}

  Result<std::map<std::string, std::vector<double>>> members() {
    std::map<std::string, std::vector<double>> out;
    if (!take('{')) return wrong("Detector_config is no object: {...}");
    if (take('}')) return ended(std::move(out));
    while (true) {
      ETALON_ASSIGN(const std::string key, text());
      if (!take(':')) return wrong("Detector_config: ':' is missing behind " + key);
      ETALON_ASSIGN(auto values, value());
      if (!values.empty()) out[key] = std::move(values);
      if (take('}')) return ended(std::move(out));
      if (!take(',')) return wrong("Detector_config: ',' or '}' is missing behind " + key);
    }
  }

 private:
  template <typename T>
  Result<T> ended(T out) {
    if (!rest_.empty()) return wrong("Detector_config: text behind the object");
    return out;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_ = trimmed(rest_.substr(1));
    return true;
  }
  Result<std::string> text() {
    const char quote = rest_.empty() ? '\0' : rest_.front();
    const std::size_t end = rest_.find(quote, 1);
    if ((quote != '"' && quote != '\'') || end == std::string_view::npos)
      return wrong("Detector_config: a quoted name is missing");
    std::string out(rest_.substr(1, end - 1));
    rest_ = trimmed(rest_.substr(end + 1));
    return out;
  }
  Result<double> one_number() {
    const std::size_t end = std::min(rest_.find_first_of(",]} \t"), rest_.size());
    ETALON_ASSIGN(const double v, number(rest_.substr(0, end), -1e300, 1e300));
    rest_ = trimmed(rest_.substr(end));
    return v;
  }
  // Empty for what is neither.
  Result<std::vector<double>> value() {
    std::vector<double> out;
    if (rest_.starts_with('"') || rest_.starts_with('\'')) {
      ETALON_TRY(text());
      return out;
    }
    for (const std::string_view word : {"null", "None", "true", "false", "True", "False"})
      if (rest_.starts_with(word)) {
        rest_ = trimmed(rest_.substr(word.size()));
        return out;
      }
    if (!take('[')) {
      ETALON_ASSIGN(const double v, one_number());
      return std::vector<double>{v};
    }
    if (take(']')) return out;
    while (true) {
      ETALON_ASSIGN(const double v, one_number());
      out.push_back(v);
      if (take(']')) return out;
      if (!take(',')) return wrong("Detector_config: ',' or ']' is missing in a list");
    }
  }

  std::string_view rest_;
};

Result<void> take_config(std::string_view text, Poni& poni) {
  ETALON_ASSIGN(const auto members, ConfigReader(text).members());
  const auto find = [&](const char* key) -> const std::vector<double>* {
    const auto found = members.find(key);
    return found == members.end() ? nullptr : &found->second;
  };
  poni.pixel1_m = poni.pixel2_m = 0;
  poni.ny = poni.nx = std::nullopt;
  for (const auto& [key, to] : {std::pair("pixel1", &poni.pixel1_m), {"pixel2", &poni.pixel2_m}})
    if (const auto* values = find(key)) {
      if (values->size() != 1 || !(values->front() > 0 && values->front() <= 1))
        return wrong(std::string("Detector_config: ") + key + " is no size in metres");
      *to = values->front();
    }
  if (const auto* shape = find("max_shape")) {
    const auto extent = [](double v) { return v >= 1 && v <= 1 << 20 && v == std::floor(v); };
    if (shape->size() != 2 || !extent((*shape)[0]) || !extent((*shape)[1]))
      return wrong("Detector_config: max_shape is no pair of extents");
    poni.ny = static_cast<std::size_t>((*shape)[0]);
    poni.nx = static_cast<std::size_t>((*shape)[1]);
  }
  const auto* orientation = find("orientation");
  if (orientation && *orientation != std::vector<double>{3} &&
      *orientation != std::vector<double>{0})
    return wrong("Detector_config: only images of orientation 3 can be placed");
  return {};
}

Result<void> take_line(std::string_view key, std::string_view value, Poni& poni) {
  struct Field {
    std::string_view key;
    double Poni::*to;
    double low, high;
  };
  static constexpr Field fields[] = {{"Distance", &Poni::distance_m, 1e-6, 1e6},
                                     {"Poni1", &Poni::poni1_m, -1e6, 1e6},
                                     {"Poni2", &Poni::poni2_m, -1e6, 1e6},
                                     {"Rot1", &Poni::rot1, -10, 10},
                                     {"Rot2", &Poni::rot2, -10, 10},
                                     {"Rot3", &Poni::rot3, -10, 10},
                                     {"Wavelength", &Poni::wavelength_m, 0, 1},
                                     {"PixelSize1", &Poni::pixel1_m, 1e-9, 1},
                                     {"PixelSize2", &Poni::pixel2_m, 1e-9, 1}};
  for (const Field& field : fields)
    if (key == field.key) {
      if (key == "Wavelength" && value == "None") {
        poni.wavelength_m = 0;
        return {};
      }
      ETALON_ASSIGN(poni.*field.to, number(value, field.low, field.high));
      return {};
    }
  if (key == "Detector") poni.detector = std::string(value);
  if (key == "Detector_config") return take_config(value, poni);
  if (key == "SplineFile" && value != "None" && !value.empty())
    return wrong("detectors with a spline file are not flat");
  return {};
}

// Pixels of detectors that are named and not described, in metres; 0 where none is known.
double pixel_of_family(std::string_view detector) {
  if (detector.starts_with("Pilatus")) return 172e-6;
  if (detector.starts_with("Eiger")) return 75e-6;
  return 0;
}

double first_positive(double a, double b, double c) { return a > 0 ? a : b > 0 ? b : c; }

}  // namespace

Result<Poni> parse_poni(std::string_view text) {
  if (text.size() > most_bytes) return wrong("longer than any .poni file");
  Poni poni;
  bool distance = false;
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    const std::string at = "line " + std::to_string(line_number);
    if (colon == std::string_view::npos) return wrong(at + ": ':' is missing");
    const std::string_view key = trimmed(line.substr(0, colon));
    if (auto taken = take_line(key, trimmed(line.substr(colon + 1)), poni); !taken.ok())
      return std::move(taken).error().in(at + ": " + std::string(key.substr(0, 40)));
    distance = distance || key == "Distance";
  }
  if (!distance) return wrong("no Distance");
  return poni;
}

Result<Poni> read_poni(const std::string& path) {
  ETALON_ASSIGN(const Bytes bytes, read_file(path, most_by_hand));
  auto poni = parse_poni(text_of(bytes));
  if (!poni.ok()) return std::move(poni).error().in(path);
  return poni;
}

Result<Geometry> geometry_of(const Poni& poni, const Geometry& known) {
  if (poni.ny && (*poni.ny != known.ny || *poni.nx != known.nx))
    return Error{Errc::usage, "made for images of " + std::to_string(*poni.ny) + "x" +
                                  std::to_string(*poni.nx) + ", these are " +
                                  std::to_string(known.ny) + "x" + std::to_string(known.nx)};
  Geometry g = known;
  const double family = pixel_of_family(poni.detector);
  g.pixel_size_y_m = first_positive(poni.pixel1_m, family, known.pixel_size_y_m);
  g.pixel_size_x_m = first_positive(poni.pixel2_m, family, known.pixel_size_x_m);
  if (!(g.pixel_size_y_m > 0 && g.pixel_size_x_m > 0))
    return Error{Errc::usage, "the size of the pixels is not known"};
  if (poni.wavelength_m > 0) g.wavelength_angstrom = poni.wavelength_m * 1e10;
  g.distance_m = poni.distance_m;

  // (y, x, along the beam) of the detector's frame, turned about axis 1, 2 and 3.
  const double c1 = std::cos(poni.rot1), s1 = std::sin(poni.rot1);
  const double c2 = std::cos(poni.rot2), s2 = std::sin(poni.rot2);
  const double c3 = std::cos(poni.rot3), s3 = std::sin(poni.rot3);
  const auto turned = [&](double y, double x, double z) -> Vector3 {
    const double x1 = c1 * x + s1 * z, z1 = -s1 * x + c1 * z;
    const double y2 = c2 * y - s2 * z1, z2 = s2 * y + c2 * z1;
    return {s3 * y2 + c3 * x1, c3 * y2 - s3 * x1, z2};  // x, y, z
  };
  PanelPlace place;
  place.origin_m = turned(g.pixel_size_y_m / 2 - poni.poni1_m, g.pixel_size_x_m / 2 - poni.poni2_m,
                          poni.distance_m);
  place.x_step_m = turned(0, g.pixel_size_x_m, 0);
  place.y_step_m = turned(g.pixel_size_y_m, 0, 0);
  g.panels = {Panel{0, g.ny, 0, g.nx}};
  g.places = {place};
  return g;
}

}  // namespace etalon
