#include "store/nxmx_modules.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "store/nxmx_units.hpp"
#include "store/remarks.hpp"

namespace etalon {
namespace {

constexpr std::size_t longest_chain = 64;

// A NeXus transformation: what it does to a point, and the axis that carries it (NXtransformations;
// "." carries the first one).
struct Axis {
  bool turns = false;
  double value = 0;  // metres or degrees
  Vector3 vector{};  // of length 1
  Vector3 offset_m{};
  std::string carrier;  // absolute path, or empty
};

std::optional<Vector3> vector_attribute(const h5::File& file, const std::string& object,
                                        const std::string& name) {
  const auto values = file.attribute_numbers(object, name);
  if (!values || values->size() != 3) return std::nullopt;
  Vector3 out;
  std::copy(values->begin(), values->end(), out.begin());
  for (const double v : out)
    if (!std::isfinite(v)) return std::nullopt;
  return out;
}

// "." and nothing are the end; other names are relative to the axis' group.
std::string carrier_of(const std::string& path, const std::string& written) {
  if (written.empty() || written == ".") return "";
  if (written.front() == '/') return written;
  return path.substr(0, path.rfind('/') + 1) + written;
}

std::optional<Axis> read_axis(const h5::File& file, const std::string& path) {
  const auto number = file.number(path);
  const auto vector = vector_attribute(file, path, "vector");
  if (!number || !vector) return std::nullopt;
  Axis axis;
  axis.turns = file.attribute(path, "transformation_type") == "rotation";
  const auto value = axis.turns ? convert(number, angle_units) : convert(number, length_units);
  const double length = std::hypot((*vector)[0], (*vector)[1], (*vector)[2]);
  if (!value || !(length > 0)) return std::nullopt;
  axis.value = *value;
  for (std::size_t k = 0; k < 3; ++k) axis.vector[k] = (*vector)[k] / length;
  if (const auto offset = vector_attribute(file, path, "offset")) {
    std::string units = file.attribute(path, "offset_units").value_or("");
    if (units.empty() && !axis.turns) units = number->units;
    const auto scale = convert(h5::Number{1, units}, length_units);
    if (!scale) return std::nullopt;
    for (std::size_t k = 0; k < 3; ++k) axis.offset_m[k] = (*offset)[k] * *scale;
  }
  axis.carrier = carrier_of(path, file.attribute(path, "depends_on").value_or(""));
  return axis;
}

// Rodrigues' rotation of p by some degrees about a unit vector.
Vector3 rotated(const Vector3& p, const Vector3& n, double degrees) {
  const double a = degrees * std::numbers::pi / 180, c = std::cos(a), s = std::sin(a);
  const double along = n[0] * p[0] + n[1] * p[1] + n[2] * p[2];
  const Vector3 cross = {n[1] * p[2] - n[2] * p[1], n[2] * p[0] - n[0] * p[2],
                         n[0] * p[1] - n[1] * p[0]};
  Vector3 out;
  for (std::size_t k = 0; k < 3; ++k) out[k] = c * p[k] + s * cross[k] + (1 - c) * along * n[k];
  return out;
}

// `moves`: also by the axes' translations; a step is only turned.
std::optional<Vector3> carried(const h5::File& file, std::string path, Vector3 p, bool moves) {
  for (std::size_t i = 0; !path.empty(); ++i) {
    const auto axis = read_axis(file, path);
    if (!axis || i == longest_chain) return std::nullopt;
    if (axis->turns) p = rotated(p, axis->vector, axis->value);
    for (std::size_t k = 0; moves && k < 3; ++k)
      p[k] += axis->offset_m[k] + (axis->turns ? 0 : axis->value * axis->vector[k]);
    path = axis->carrier;
  }
  return p;
}

// The axes of the fast and the slow direction are steps, not moves; both hang on the same axis.
std::optional<PanelPlace> read_place(const h5::File& file, const std::string& module) {
  const auto fast = read_axis(file, module + "/fast_pixel_direction");
  const auto slow = read_axis(file, module + "/slow_pixel_direction");
  if (!fast || !slow || fast->turns || slow->turns) return std::nullopt;
  Vector3 x, y;
  for (std::size_t k = 0; k < 3; ++k) {
    x[k] = fast->value * fast->vector[k];
    y[k] = slow->value * slow->vector[k];
  }
  const auto origin = carried(file, fast->carrier, fast->offset_m, true);
  const auto x_step = carried(file, fast->carrier, x, false);
  const auto y_step = carried(file, slow->carrier, y, false);
  if (!origin || !x_step || !y_step) return std::nullopt;
  return PanelPlace{*origin, *x_step, *y_step};
}

bool is_in_front(const PanelPlace& place, const Panel& p) {
  for (const double x : {0.0, static_cast<double>(p.x1 - p.x0 - 1)})
    for (const double y : {0.0, static_cast<double>(p.y1 - p.y0 - 1)})
      if (!(place.at(x, y)[2] > 0)) return false;
  return true;
}

// Do the places say what the image and its centre say, to a hundredth of a pixel at the corners?
// Distances from the beam tell, whatever the axes are called.
bool lie_flat(const Geometry& g) {
  for (std::size_t i = 0; i < g.panels.size(); ++i) {
    const Panel& p = g.panels[i];
    for (const std::size_t y : {p.y0, p.y1 - 1})
      for (const std::size_t x : {p.x0, p.x1 - 1}) {
        const auto fy = static_cast<double>(y), fx = static_cast<double>(x);
        const Vector3 at =
            g.places[i].at(fx - static_cast<double>(p.x0), fy - static_cast<double>(p.y0));
        const double flat_m =
            std::hypot((fx - g.centre_x) * g.pixel_size_x_m, (fy - g.centre_y) * g.pixel_size_y_m);
        const double placed_m = std::hypot(at[0], at[1]) * g.distance_m / at[2];
        if (!(std::abs(flat_m - placed_m) < 0.01 * g.pixel_size_x_m)) return false;
      }
  }
  return true;
}

std::optional<Panel> read_area(const h5::File& file, const std::string& module, const Geometry& g) {
  const auto origin = file.numbers(module + "/data_origin", 6);
  const auto size = file.numbers(module + "/data_size", 6);
  if (!origin || !size || origin->size() < 2 || size->size() < 2) return std::nullopt;
  const double y = origin->end()[-2], x = origin->back(), h = size->end()[-2], w = size->back();
  // Compared in this form, NaN and numbers too large for an index fail.
  if (!(y >= 0 && x >= 0 && h >= 1 && w >= 1 && y + h <= static_cast<double>(g.ny) &&
        x + w <= static_cast<double>(g.nx)))
    return std::nullopt;
  return Panel{static_cast<std::size_t>(y), static_cast<std::size_t>(y + h),
               static_cast<std::size_t>(x), static_cast<std::size_t>(x + w)};
}

}  // namespace

void read_nxmx_modules(const h5::File& file, const std::string& detector, bool centre_is_known,
                       Geometry& geometry) {
  Geometry placed = geometry;
  std::string unplaced;  // what is wrong with the first module whose place cannot be taken
  for (const std::string& name : file.members(detector)) {
    const std::string module = detector + name;
    if (file.attribute(module, "NX_class") != "NXdetector_module") continue;
    const auto area = read_area(file, module, geometry);
    if (!area) {
      remark(file.path() + ": " + module +
             ": data_origin and data_size are no rectangle of the image: the image is taken as one "
             "panel");
      return;
    }
    placed.panels.push_back(*area);
    const auto place = read_place(file, module);
    if (place && is_in_front(*place, *area)) {
      placed.places.push_back(*place);
    } else if (unplaced.empty() && file.exists(module + "/fast_pixel_direction")) {
      unplaced = file.path() + ": " + module;
      unplaced += place ? ": is not in front of the sample" : ": its chain of axes cannot be read";
    }
  }
  const bool is_whole =
      placed.panels.size() == 1 && placed.panels[0] == Panel{0, geometry.ny, 0, geometry.nx};
  if (placed.panels.empty() || (is_whole && centre_is_known)) return;
  if (!is_whole) geometry.panels = placed.panels;
  if (!unplaced.empty()) remark(unplaced + ": panels are taken to lie as the image shows them");
  if (placed.places.size() != placed.panels.size() || lie_flat(placed)) return;
  for (PanelPlace& place : placed.places) place.origin_m = place.at(0.5, 0.5);
  geometry = placed;
}

}  // namespace etalon
