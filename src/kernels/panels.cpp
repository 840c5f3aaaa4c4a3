#include "kernels/panels.hpp"

#include <cmath>
#include <string>

#include "etalon/array.hpp"

namespace etalon {
namespace {

Error usage(std::string_view who, const std::string& reason) {
  return {Errc::usage, std::string(who) + ": " + reason};
}

}  // namespace

Result<void> check_geometry(std::string_view who, const Geometry& g, const Mask& mask) {
  if (g.ny == 0 || g.nx == 0 || Shape{g.ny, g.nx}.count() > max_pixels_of_image)
    return usage(who, "image of " + std::to_string(g.ny) + " x " + std::to_string(g.nx) +
                          " pixels: expected 1 to 2^27 pixels");
  if (mask.size() != g.pixels())
    return usage(who, "mask of " + std::to_string(mask.size()) + " pixels for an image of " +
                          std::to_string(g.pixels()));
  if (!(std::abs(g.centre_x) <= 1e6 && std::abs(g.centre_y) <= 1e6))
    return usage(who, "beam centre " + std::to_string(g.centre_x) + "," +
                          std::to_string(g.centre_y) +
                          ": expected at most 1e6 pixels from the image");
  for (const Panel& panel : g.panels)
    if (panel.y0 >= panel.y1 || panel.x0 >= panel.x1 || panel.y1 > g.ny || panel.x1 > g.nx)
      return usage(who, "panel y=" + std::to_string(panel.y0) + ".." + std::to_string(panel.y1) +
                            ", x=" + std::to_string(panel.x0) + ".." + std::to_string(panel.x1) +
                            ": not inside the image");
  return {};
}

Result<std::vector<std::uint32_t>> panel_of_pixels(std::string_view who, const Geometry& g) {
  std::vector<std::uint32_t> panel_of;
  const std::vector<Panel> panels = g.panels_or_whole();
  if (panels.size() == 1 && panels[0] == Panel{0, g.ny, 0, g.nx}) return panel_of;
  panel_of.assign(g.pixels(), no_panel);
  for (std::uint32_t id = 0; id < panels.size(); ++id) {
    const Panel& panel = panels[id];
    for (std::size_t y = panel.y0; y < panel.y1; ++y)
      for (std::size_t x = panel.x0; x < panel.x1; ++x) {
        std::uint32_t& owner = panel_of[y * g.nx + x];
        if (owner != no_panel)
          return usage(
              who, "panels " + std::to_string(owner) + " and " + std::to_string(id) + ": overlap");
        owner = id;
      }
  }
  return panel_of;
}

}  // namespace etalon
