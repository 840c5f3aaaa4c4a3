#include "analyse/pixel_split.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace etalon {
namespace {

using azimuthal::whole_pixel;

// Of one pixel, whose areas are worth computing.
constexpr double most_edges = 65536;

// From a to b the short way round.
double turn(double a, double b) {
  constexpr double pi = std::numbers::pi;
  double d = b - a;
  if (d > pi) d -= 2 * pi;
  if (d <= -pi) d += 2 * pi;
  return d;
}

// ∫ max(0, radius - from) over azimuth, along the straight line (in radius and azimuth) a to b.
double area_beyond(const Corner& a, const Corner& b, double azimuth, double from) {
  const double low = std::min(a.radius, b.radius) - from,
               high = std::max(a.radius, b.radius) - from;
  if (high <= 0) return 0;
  if (low >= 0) return azimuth * (low + high) / 2;
  return azimuth * high * high / (2 * (high - low));
}

}  // namespace

Extent extent_of(const RadialField& field, std::size_t pixel, Splitting splitting) {
  const double centre = field.centre(pixel);
  if (splitting == Splitting::no) return {centre, centre};
  const Corners corners = field.corners(pixel);
  const auto [least, most] = std::ranges::minmax(corners, {}, &Corner::radius);
  if (splitting == Splitting::full) return {least.radius, most.radius};
  const double reach = std::max(std::abs(most.radius - centre), std::abs(least.radius - centre));
  return {centre - reach, centre + reach};
}

// `below(edge)` is the share of the pixel below an edge, in bins; it rises from 0 at `low` to 1 at
// `high`. Rounding the shares below, not those of the bins, keeps the sum of all.
template <typename Below>
void PixelSplitter::share(double low, double high, const Below& below) {
  const double bins = static_cast<double>(binning_.bins);
  if (!(high >= 0 && low < bins)) return;
  const double first = std::max(0.0, std::floor(low)), last = std::min(bins - 1, std::floor(high));
  first_ = static_cast<std::size_t>(first);
  const auto units = [&](double edge) {
    const double share = edge <= low ? 0 : edge >= high ? 1 : below(edge);
    return static_cast<std::uint32_t>(std::lround(std::clamp(share, 0.0, 1.0) * whole_pixel));
  };
  std::uint32_t before = units(first);
  for (double bin = first; bin <= last; ++bin) {
    const std::uint32_t after =
        std::max(before, bin == std::floor(high) ? whole_pixel : units(bin + 1));
    shares_.push_back(static_cast<std::uint16_t>(after - before));
    before = after;
  }
  while (!shares_.empty() && shares_.back() == 0) shares_.pop_back();
}

// By areas beyond the edges; false for a polygon that is none, as when a corner is where the beam
// meets the detector.
bool PixelSplitter::share_polygon(const Corners& corners) {
  const auto [least, most] = std::ranges::minmax(corners, {}, &Corner::radius);
  const double low = binning_.bin_of(least.radius), high = binning_.bin_of(most.radius);
  const double first = std::floor(low), last = std::floor(high);
  if (!(high >= 0 && low < static_cast<double>(binning_.bins))) return true;  // outside
  if (first == last || !(last - first <= most_edges)) return false;
  // Radii in bins from the pixel's first edge on: small numbers, whose differences are exact
  // enough.
  Corners near = corners;
  double round = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    near[i].radius = binning_.bin_of(corners[i].radius) - first;
    round += turn(corners[i].azimuth, corners[(i + 1) % 4].azimuth);
  }
  if (std::abs(round) > 1) return false;  // the beam goes through the pixel
  areas_.clear();
  for (double edge = 0; edge <= last - first + 1; ++edge) {
    double area = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const Corner &a = near[i], &b = near[(i + 1) % 4];
      area += area_beyond(a, b, turn(a.azimuth, b.azimuth), edge);
    }
    areas_.push_back(area);
  }
  const double whole = areas_.front();
  if (!(std::abs(whole) > 1e-12)) return false;
  for (std::size_t i = 0; i + 1 < areas_.size(); ++i)
    if ((areas_[i] - areas_[i + 1]) / whole < -1e-6) return false;
  share(low, high,
        [&](double edge) { return 1 - areas_[static_cast<std::size_t>(edge - first)] / whole; });
  return true;
}

const std::vector<std::uint16_t>& PixelSplitter::split(std::size_t pixel) {
  shares_.clear();
  if (splitting_ == Splitting::full && share_polygon(field_.corners(pixel))) return shares_;
  const Extent extent = extent_of(field_, pixel, splitting_);
  const double low = binning_.bin_of(extent.low), high = binning_.bin_of(extent.high);
  // No radius is negative: what a bounding box has below 0 counts for the bin at 0.
  const double zero = binning_.bin_of(0);
  share(low, high, [&](double edge) { return edge <= zero ? 0 : (edge - low) / (high - low); });
  return shares_;
}

}  // namespace etalon
