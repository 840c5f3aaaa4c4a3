// Which bins a pixel belongs to, and with which shares.
#pragma once

#include <vector>

#include "analyse/radial_field.hpp"

namespace etalon {

// `bins` of one width from `low`.
struct Binning {
  double low = 0, width = 1;
  std::size_t bins = 1;
  double bin_of(double radius) const { return (radius - low) / width; }
};

// The least and the greatest radius that a pixel counts at.
struct Extent {
  double low = 0, high = 0;
};
Extent extent_of(const RadialField& field, std::size_t pixel, Splitting splitting);

// Shares of one pixel in units of 1/azimuthal::whole_pixel. What lies outside the bins is left out;
// the shares of a pixel that is inside sum to a whole one. Made once a thread.
class PixelSplitter {
 public:
  PixelSplitter(const RadialField& field, const Binning& binning, Splitting splitting)
      : field_(field), binning_(binning), splitting_(splitting) {}

  // Shares of bins first(), first() + 1, ...; empty for a pixel outside. Valid until the next call.
  const std::vector<std::uint16_t>& split(std::size_t pixel);
  std::size_t first() const { return first_; }

 private:
  template <typename Below>
  void share(double low, double high, const Below& below);
  bool share_polygon(const Corners& corners);

  const RadialField& field_;
  Binning binning_;
  Splitting splitting_;
  std::size_t first_ = 0;
  std::vector<std::uint16_t> shares_;
  std::vector<double> areas_;
};

}  // namespace etalon
