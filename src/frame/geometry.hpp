// Where a detector's pixels are: the beam, the panels, the mask.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace etalon {

// A rectangle of pixels read out together; neighbours are never taken across its edges. Half open.
struct Panel {
  std::size_t y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  bool operator==(const Panel&) const = default;
};

using Vector3 = std::array<double, 3>;

// Where a panel is, from the sample in metres, z along the beam: the centre of its pixel (y0, x0)
// and the steps to the next pixel along x and along y of the stored image.
struct PanelPlace {
  Vector3 origin_m{}, x_step_m{}, y_step_m{};
  Vector3 at(double along_x, double along_y) const;  // pixels from the first one
  bool operator==(const PanelPlace&) const = default;
};

// One flat detector, perpendicular to the beam, or panels with places of their own. Lengths in
// metres, wavelength in angstrom, positions in pixels.
struct Geometry {
  std::size_t ny = 0, nx = 0;
  double centre_x = 0, centre_y = 0;  // beam centre, pixel centres at integers
  double pixel_size_x_m = 0, pixel_size_y_m = 0;
  double distance_m = 0;
  double wavelength_angstrom = 0;
  std::vector<Panel> panels;  // empty: the whole image is one panel
  // Of the panels, in their order; empty: they lie flat as the image shows them. Otherwise the beam
  // is the z axis, and the centre says nothing.
  std::vector<PanelPlace> places;

  std::size_t pixels() const { return ny * nx; }
  std::vector<Panel> panels_or_whole() const;
  bool operator==(const Geometry&) const = default;
};

// Distance of every pixel from the beam centre, in pixels, (y, x) row major. With places, the
// pixels' directions meet a flat detector at the geometry's distance (1 m where it has none; 1 for
// a pixel size that it has not): that is where the distance is taken. Infinite for pixels in no
// panel and for those that are not in front of the sample.
std::vector<float> radius_map(const Geometry& geometry);
// The same between pixels.
double radius_at(const Geometry& geometry, double y, double x);

// Scattering angle and resolution at a distance from the beam centre in pixels; d is infinite at
// the centre.
double resolution_angstrom(const Geometry& geometry, double radius_px);
double radius_of_resolution(const Geometry& geometry, double d_angstrom);  // the inverse, pixels

// One byte a pixel, (y, x) row major: 1 is good, 0 is not to be looked at.
using Mask = std::vector<std::uint8_t>;

// NeXus pixel_mask (0 is good, any bit set is bad) to Mask.
Mask mask_from_nexus(const std::vector<std::uint32_t>& pixel_mask);

}  // namespace etalon
