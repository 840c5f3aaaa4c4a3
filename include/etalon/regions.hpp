// Precision is set where it matters: region grammar and the pixels a region covers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etalon/codec.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"

#pragma GCC visibility push(default)
namespace etalon {

// "KIND[:key=value[,key=value]...]@BOUND", parsed and checked against the kinds that exist:
//   peaks:file=p.csv,half=4      a square of side 2*half+1 round each peak
//   box:y=100..200,x=0..50       half open, in pixels
//   annulus:r=50..80,centre=515.3/532.6   x/y of the centre in pixels; r half open
//   mask:file=m.npy              where the file's (y, x) array is not zero
//   active:quantile=0.9,window=5,grow=0,over=image   where most happens: see active_region
struct RegionSpec {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> parameters;
  Bound bound;

  std::string_view get(std::string_view key) const;  // empty when absent
};
Result<RegionSpec> parse_region(std::string_view text);  // Errc::usage names the part that is wrong

// Regions over a (ny, nx) image. Parts outside the image are cut off.
Region peaks_region(std::span<const Peak> peaks, std::size_t half, std::size_t ny, std::size_t nx,
                    const Bound& bound);
Result<Region> box_region(const RegionSpec& spec, std::size_t ny, std::size_t nx);
Result<Region> annulus_region(const RegionSpec& spec, std::size_t ny, std::size_t nx);

// The elements of an array (.., y, x) whose activity is at or above the given quantile (0 to 1) of
// their own image's or, with over=array, of the whole array's, and above 0: as many as the array
// has. An element's activity is the
// standard deviation of the window x window elements round it (odd, 3 to 63) plus the magnitude of
// the gradient, both in its image. The region is then dilated by `grow` pixels (0 to 1000) in y and
// x. Elements that
// are not finite, or where `good` (y, x) is 0, have no activity. The same on every machine.
// Errc::usage for parameters out of range or a mask that does not fit.
Result<Region> active_region(const RegionSpec& spec, const ArrayView& elements,
                             std::span<const std::uint8_t> good = {});

}  // namespace etalon
#pragma GCC visibility pop
