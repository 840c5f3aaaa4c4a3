#include "frame/panel_geometry.hpp"

namespace etalon {
namespace {

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

Result<Mask> PanelGeometry::mask(std::size_t image_ny, std::size_t image_nx) const {
  if (image_ny < ny || image_nx < nx)
    return Error{Errc::usage, "panels reach to " + std::to_string(ny) + "x" + std::to_string(nx) +
                                  ", the images are " + std::to_string(image_ny) + "x" +
                                  std::to_string(image_nx)};
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
