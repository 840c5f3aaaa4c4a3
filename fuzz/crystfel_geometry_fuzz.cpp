// Any text as a CrystFEL geometry: what is taken has panels of finite places inside its extents.
#include <cmath>
#include <cstdlib>

#include "store/crystfel_geometry.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = etalon::parse_crystfel_geometry({reinterpret_cast<const char*>(data), size});
  if (!read.ok()) return 0;
  if (read->panels.empty()) std::abort();
  for (const etalon::PlacedPanel& panel : read->panels) {
    if (panel.area.y1 > read->ny || panel.area.x1 > read->nx || panel.area.y0 >= panel.area.y1 ||
        panel.area.x0 >= panel.area.x1 || !(panel.pixels_per_m > 0))
      std::abort();
    if (!std::isfinite(panel.corner_x) || !std::isfinite(panel.corner_y)) std::abort();
  }
  if (read->ny * read->nx > 65536) return 0;
  if (!read->mask(read->ny, read->nx).ok()) std::abort();
  return 0;
}
