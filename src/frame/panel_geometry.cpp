#include "frame/panel_geometry.hpp"

namespace etalon {
namespace {

constexpr double ev_angstrom = 12398.419843320026;  // h c

Vector3 in_pixels(const PlacedPanel& p, double y, double x) {
  const double along_fs = x - static_cast<double>(p.area.x0) + 0.5;
  const double along_ss = y - static_cast<double>(p.area.y0) + 0.5;
  return {p.corner_x + along_fs * p.fs[0] + along_ss * p.ss[0],
          p.corner_y + along_fs * p.fs[1] + along_ss * p.ss[1],
          along_fs * p.fs[2] + along_ss * p.ss[2]};
}

bool covers(const BadArea& area, const PlacedPanel& panel, double y, double x) {
  if (!area.panel.empty() && area.panel != panel.name) return false;
  if (!area.in_laboratory) return x >= area.x0 && x < area.x1 && y >= area.y0 && y < area.y1;
  const Vector3 at = in_pixels(panel, y, x);
  return at[0] >= area.x0 && at[0] <= area.x1 && at[1] >= area.y0 && at[1] <= area.y1;
}

}  // namespace

Vector3 PlacedPanel::position_m(double y, double x) const {
  const Vector3 at = in_pixels(*this, y, x);
  return {at[0] / pixels_per_m, at[1] / pixels_per_m, distance_m + at[2] / pixels_per_m};
}

Result<void> PanelGeometry::fits(std::size_t image_ny, std::size_t image_nx) const {
  if (image_ny >= ny && image_nx >= nx) return {};
  return Error{Errc::usage, "panels reach to " + std::to_string(ny) + "x" + std::to_string(nx) +
                                ", the images are " + std::to_string(image_ny) + "x" +
                                std::to_string(image_nx)};
}

Result<Geometry> PanelGeometry::placed_in(Geometry g) const {
  ETALON_TRY(fits(g.ny, g.nx));
  double sum_m = 0;
  std::size_t known = 0;
  for (const PlacedPanel& p : panels) {
    if (p.distance_m <= 0) continue;
    sum_m += p.distance_m;
    ++known;
  }
  if (g.distance_m <= 0 && known != 0) g.distance_m = sum_m / static_cast<double>(known);
  if (g.wavelength_angstrom <= 0 && photon_energy_ev > 0)
    g.wavelength_angstrom = ev_angstrom / photon_energy_ev;
  g.panels.clear();
  g.places.clear();
  for (const PlacedPanel& p : panels) {
    PlacedPanel at = p;
    if (at.distance_m <= 0) at.distance_m = g.distance_m > 0 ? g.distance_m : 1;
    if (g.pixel_size_x_m <= 0) g.pixel_size_x_m = 1 / p.pixels_per_m;
    if (g.pixel_size_y_m <= 0) g.pixel_size_y_m = 1 / p.pixels_per_m;
    PanelPlace place;
    place.origin_m = at.position_m(static_cast<double>(p.area.y0), static_cast<double>(p.area.x0));
    for (std::size_t k = 0; k < 3; ++k) {
      place.x_step_m[k] = p.fs[k] / p.pixels_per_m;
      place.y_step_m[k] = p.ss[k] / p.pixels_per_m;
    }
    g.panels.push_back(p.area);
    g.places.push_back(place);
  }
  return g;
}

Result<Mask> PanelGeometry::mask(std::size_t image_ny, std::size_t image_nx) const {
  ETALON_TRY(fits(image_ny, image_nx));
  Mask out(image_ny * image_nx);
  for (const PlacedPanel& panel : panels)
    for (std::size_t y = panel.area.y0; y < panel.area.y1; ++y)
      for (std::size_t x = panel.area.x0; x < panel.area.x1; ++x) {
        bool good = true;
        for (const BadArea& area : bad)
          good = good && !covers(area, panel, static_cast<double>(y), static_cast<double>(x));
        out[y * image_nx + x] = good;
      }
  return out;
}

}  // namespace etalon
