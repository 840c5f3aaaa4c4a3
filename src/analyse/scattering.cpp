#include "analyse/scattering.hpp"

#include <algorithm>
#include <cmath>

namespace etalon {
namespace {

PanelPlace flat_place(const Geometry& g, const Panel& area) {
  const double x = static_cast<double>(area.x0) - g.centre_x;
  const double y = static_cast<double>(area.y0) - g.centre_y;
  return {{x * g.pixel_size_x_m, y * g.pixel_size_y_m, g.distance_m},
          {g.pixel_size_x_m, 0, 0},
          {0, g.pixel_size_y_m, 0}};
}

Result<void> check_known(const Geometry& g) {
  std::string unknown;
  const auto need = [&](double value, const char* name) {
    if (!(value > 0 && std::isfinite(value)))
      unknown += (unknown.empty() ? "" : ", ") + std::string(name);
  };
  need(g.wavelength_angstrom, "wavelength");
  if (g.places.empty()) {
    need(g.distance_m, "distance");
    need(g.pixel_size_x_m, "pixel size along x");
    need(g.pixel_size_y_m, "pixel size along y");
  }
  if (unknown.empty()) return {};
  return Error{Errc::usage, "geometry: not known, and needed for q: " + unknown};
}

}  // namespace

double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double length(const Vector3& v) { return std::sqrt(dot(v, v)); }

Vector3 operator+(const Vector3& a, const Vector3& b) {
  return {a[0] + b[0], a[1] + b[1], a[2] + b[2]};
}

Vector3 operator-(const Vector3& a, const Vector3& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}

Vector3 operator*(double factor, const Vector3& v) {
  return {factor * v[0], factor * v[1], factor * v[2]};
}

Result<ScatteringMap> ScatteringMap::create(const Geometry& geometry) {
  ETALON_TRY(check_known(geometry));
  ScatteringMap map;
  map.k_ = 1 / geometry.wavelength_angstrom;
  const std::vector<Panel> panels = geometry.panels_or_whole();
  for (std::size_t i = 0; i < panels.size(); ++i) {
    Screen s;
    s.area = panels[i];
    s.place = geometry.places.empty() ? flat_place(geometry, panels[i]) : geometry.places[i];
    s.normal = cross(s.place.x_step_m, s.place.y_step_m);
    s.distance = dot(s.place.origin_m, s.normal);
    s.xx = dot(s.place.x_step_m, s.place.x_step_m);
    s.xy = dot(s.place.x_step_m, s.place.y_step_m);
    s.yy = dot(s.place.y_step_m, s.place.y_step_m);
    if (!(length(s.normal) > 0) || s.distance == 0)
      return Error{Errc::usage,
                   "geometry: panel " + std::to_string(i) + ": lies edge on to the sample"};
    map.screens_.push_back(s);
    const double nearest = std::abs(s.distance) / length(s.normal);
    map.pixel_width_ =
        std::max(map.pixel_width_, map.k_ * std::sqrt(std::max(s.xx, s.yy)) / nearest);
    for (const std::size_t y : {s.area.y0, s.area.y1 - 1})
      for (const std::size_t x : {s.area.x0, s.area.x1 - 1})
        if (const auto q = map.q_at({static_cast<double>(x), static_cast<double>(y)}))
          map.q_max_ = std::max(map.q_max_, length(*q));
  }
  return map;
}

const ScatteringMap::Screen* ScatteringMap::screen_at(const Place& place) const {
  for (const Screen& s : screens_)
    if (place.x >= static_cast<double>(s.area.x0) - 0.5 &&
        place.x < static_cast<double>(s.area.x1) - 0.5 &&
        place.y >= static_cast<double>(s.area.y0) - 0.5 &&
        place.y < static_cast<double>(s.area.y1) - 0.5)
      return &s;
  return nullptr;
}

std::optional<Vector3> ScatteringMap::q_at(const Place& place) const {
  const Screen* const s = screen_at(place);
  if (s == nullptr) return std::nullopt;
  const Vector3 at = s->place.at(place.x - static_cast<double>(s->area.x0),
                                 place.y - static_cast<double>(s->area.y0));
  return k_ / length(at) * at - Vector3{0, 0, k_};
}

std::optional<Place> ScatteringMap::place_of(const Vector3& k_out) const {
  for (const Screen& s : screens_) {
    const double along = dot(k_out, s.normal);
    if (!(along * s.distance > 0)) continue;  // parallel to the panel, or away from it
    const Vector3 off = s.distance / along * k_out - s.place.origin_m;
    const double u = dot(off, s.place.x_step_m), v = dot(off, s.place.y_step_m);
    const double determinant = s.xx * s.yy - s.xy * s.xy;
    const double x = (s.yy * u - s.xy * v) / determinant, y = (s.xx * v - s.xy * u) / determinant;
    if (x >= -0.5 && y >= -0.5 && x < static_cast<double>(s.area.x1 - s.area.x0) - 0.5 &&
        y < static_cast<double>(s.area.y1 - s.area.y0) - 0.5)
      return Place{x + static_cast<double>(s.area.x0), y + static_cast<double>(s.area.y0)};
  }
  return std::nullopt;
}

}  // namespace etalon
