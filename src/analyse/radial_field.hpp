// Where the pixels of a detector are seen from the sample.
#pragma once

#include <vector>

#include "analyse/azimuthal.hpp"

namespace etalon {

struct Corner {
  double radius = 0, azimuth = 0;
};
// In the order round the pixel.
using Corners = std::array<Corner, 4>;

class RadialField {
 public:
  // Radii are in `unit`, azimuths in radians (-π to π, in the image's own sense).
  static Result<RadialField> create(const Geometry& geometry, RadialUnit unit,
                                    std::optional<double> polarization, bool solid_angle,
                                    ThreadPool& pool);

  std::size_t ny() const { return ny_; }
  std::size_t nx() const { return nx_; }
  bool covers(std::size_t pixel) const { return panel_of_[pixel] >= 0; }  // in a panel
  double centre(std::size_t pixel) const { return centre_[pixel]; }
  Corners corners(std::size_t pixel) const;
  // Ω · P
  double normalization(std::size_t pixel) const { return normalization_[pixel]; }

 private:
  struct PanelCorners {
    Panel area;
    std::vector<Corner> corners;  // (rows + 1) · (columns + 1)
  };

  std::size_t ny_ = 0, nx_ = 0;
  std::vector<PanelCorners> panels_;
  std::vector<std::int32_t> panel_of_;
  std::vector<double> centre_;
  std::vector<double> normalization_;
};

}  // namespace etalon
