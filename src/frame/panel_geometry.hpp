// Where the pixels of a detector of many panels are, each panel with a place and directions of its
// own.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// Pixels [x0, x1) by [y0, y1) of the stored image: fs runs along x, ss along y. Laboratory axes: z
// along the beam, positions in pixels of this panel unless named otherwise.
struct PlacedPanel {
  std::string name;
  Panel area;
  double corner_x = 0, corner_y = 0;  // of the outer corner of the first pixel, beam at 0, 0
  Vector3 fs{1, 0, 0}, ss{0, 1, 0};   // a step along x or y of the stored image
  double pixels_per_m = 0;
  double distance_m = 0;  // along the beam; 0: not known

  // The centre of pixel (y, x) of the stored image, which lies in `area`.
  Vector3 position_m(double y, double x) const;
};

// Pixels not to be used: of a panel by stored position, or of any panel by place in the laboratory.
struct BadArea {
  std::string name, panel;  // panel empty: all
  bool in_laboratory = false;
  // Half open in stored pixels; in the laboratory in pixels, both ends included.
  double x0 = 0, x1 = 0, y0 = 0, y1 = 0;
};

struct PanelGeometry {
  std::vector<PlacedPanel> panels;
  std::vector<BadArea> bad;
  std::map<std::string, std::vector<std::string>> groups;  // of panels or groups
  double photon_energy_ev = 0;                             // 0: not known
  std::string data;                                        // HDF5 path of the images; may be empty
  std::size_t ny = 0, nx = 0;                              // the least image that holds all panels

  // 1 where a pixel lies in a panel and in no bad area. Errc::usage for an image that does not hold
  // all panels.
  Result<Mask> mask(std::size_t image_ny, std::size_t image_nx) const;

  // `series` with these panels and their places. What it does not know of distance (the mean),
  // pixel size and wavelength is taken from here; panels without a distance lie at the series'.
  // Errc::usage for images that do not hold all panels.
  Result<Geometry> placed_in(Geometry series) const;

 private:
  Result<void> fits(std::size_t image_ny, std::size_t image_nx) const;
};

}  // namespace etalon
