#include "analyse/radial_field.hpp"

#include <cmath>
#include <numbers>

namespace etalon {
namespace {

using std::numbers::pi;

double square(double v) { return v * v; }
double length(const Vector3& v) { return std::sqrt(square(v[0]) + square(v[1]) + square(v[2])); }
double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

// Of a point seen from the sample.
double radius_of(const Vector3& at, RadialUnit unit, double wavelength_angstrom) {
  const double r = std::sqrt(square(at[0]) + square(at[1]));
  // sin θ without cancellation: 2 sin² θ = 1 - cos 2θ = r² / (s (s + z)).
  const double s = length(at);
  const auto q = [&] { return 4 * pi / wavelength_angstrom * r / std::sqrt(2 * s * (s + at[2])); };
  switch (unit) {
    case RadialUnit::q_per_angstrom:
      return q();
    case RadialUnit::q_per_nm:
      return 10 * q();
    case RadialUnit::two_theta_deg:
      return std::atan2(r, at[2]) * 180 / pi;
    case RadialUnit::two_theta_rad:
      return std::atan2(r, at[2]);
    case RadialUnit::r_mm:
      break;
  }
  return 1000 * r;
}

// Cosine of the angle of incidence over the distance squared, relative to normal incidence at the
// detector's distance.
double solid_angle_of(const Vector3& at, const Vector3& normal, double distance_m) {
  const double s = length(at);
  return std::abs(dot(at, normal)) / s * square(distance_m / s);
}

double polarization_of(const Vector3& at, double factor) {
  const double s2 = square(at[0]) + square(at[1]) + square(at[2]);
  const double along = (square(at[0]) - square(at[1])) / s2;  // cos 2χ sin² 2θ
  return (1 + square(at[2]) / s2 - factor * along) / 2;
}

// Panels and a place for each, from a beam centre where the geometry has no places.
Result<Geometry> placed(Geometry g) {
  const auto bad = [](const std::string& what) { return Error{Errc::usage, what + " not known"}; };
  if (!(g.distance_m > 0)) return bad("the detector's distance is");
  if (!g.places.empty()) return g;
  if (!(g.pixel_size_x_m > 0 && g.pixel_size_y_m > 0)) return bad("the size of the pixels is");
  g.panels = {Panel{0, g.ny, 0, g.nx}};
  PanelPlace whole;
  whole.origin_m = {-g.centre_x * g.pixel_size_x_m, -g.centre_y * g.pixel_size_y_m, g.distance_m};
  whole.x_step_m = {g.pixel_size_x_m, 0, 0};
  whole.y_step_m = {0, g.pixel_size_y_m, 0};
  g.places = {whole};
  return g;
}

}  // namespace

Result<RadialField> RadialField::create(const Geometry& geometry, RadialUnit unit,
                                        std::optional<double> polarization, bool solid_angle,
                                        ThreadPool& pool) {
  ETALON_ASSIGN(const Geometry g, placed(geometry));
  const bool of_q = unit == RadialUnit::q_per_angstrom || unit == RadialUnit::q_per_nm;
  if (of_q && !(g.wavelength_angstrom > 0))
    return Error{Errc::usage, "the wavelength is not known, which q needs"};
  RadialField field;
  field.ny_ = g.ny;
  field.nx_ = g.nx;
  field.panel_of_.assign(g.pixels(), -1);
  field.centre_.resize(g.pixels());
  field.normalization_.resize(g.pixels());
  for (std::size_t i = 0; i < g.panels.size(); ++i) {
    const Panel& area = g.panels[i];
    const PanelPlace& place = g.places[i];
    const std::size_t columns = area.x1 - area.x0, rows = area.y1 - area.y0;
    PanelCorners& panel = field.panels_.emplace_back();
    panel.area = area;
    panel.corners.resize((rows + 1) * (columns + 1));
    Vector3 normal = cross(place.x_step_m, place.y_step_m);
    const double scale = length(normal);
    if (!(scale > 0)) return Error{Errc::usage, "a panel's pixels have no area"};
    for (double& v : normal) v /= scale;
    pool.for_each(rows + 1, [&](std::size_t y) {
      const double along_y = static_cast<double>(y);
      for (std::size_t x = 0; x <= columns; ++x) {
        const Vector3 at = place.at(static_cast<double>(x) - 0.5, along_y - 0.5);
        panel.corners[y * (columns + 1) + x] = {radius_of(at, unit, g.wavelength_angstrom),
                                                std::atan2(at[1], at[0])};
      }
      if (y == rows) return;
      for (std::size_t x = 0; x < columns; ++x) {
        const Vector3 at = place.at(static_cast<double>(x), along_y);
        const std::size_t pixel = (area.y0 + y) * g.nx + area.x0 + x;
        field.panel_of_[pixel] = static_cast<std::int32_t>(i);
        field.centre_[pixel] = radius_of(at, unit, g.wavelength_angstrom);
        field.normalization_[pixel] = (solid_angle ? solid_angle_of(at, normal, g.distance_m) : 1) *
                                      (polarization ? polarization_of(at, *polarization) : 1);
      }
    });
  }
  return field;
}

Corners RadialField::corners(std::size_t pixel) const {
  const PanelCorners& panel = panels_[static_cast<std::size_t>(panel_of_[pixel])];
  const std::size_t row = panel.area.x1 - panel.area.x0 + 1;
  const Corner* first =
      panel.corners.data() + (pixel / nx_ - panel.area.y0) * row + (pixel % nx_ - panel.area.x0);
  return {first[0], first[row], first[row + 1], first[1]};
}

}  // namespace etalon
