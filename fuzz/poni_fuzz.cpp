// Any text as a .poni file: what is taken places every corner of an image at a finite point.
#include <cmath>
#include <cstdlib>

#include "store/poni.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto poni = etalon::parse_poni({reinterpret_cast<const char*>(data), size});
  if (!poni.ok()) return 0;
  etalon::Geometry known;
  known.ny = poni->ny.value_or(1000);
  known.nx = poni->nx.value_or(2000);
  known.pixel_size_x_m = known.pixel_size_y_m = 1e-4;
  const auto geometry = etalon::geometry_of(*poni, known);
  if (!geometry.ok() || geometry->places.size() != 1 || geometry->panels.size() != 1) std::abort();
  for (const double x : {-0.5, static_cast<double>(known.nx) - 0.5})
    for (const double y : {-0.5, static_cast<double>(known.ny) - 0.5})
      for (const double v : geometry->places[0].at(x, y))
        if (!std::isfinite(v)) std::abort();
  if (!(geometry->distance_m > 0) || !(geometry->wavelength_angstrom >= 0)) std::abort();
  return 0;
}
