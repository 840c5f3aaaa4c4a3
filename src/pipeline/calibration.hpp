// Which pixels are looked at. What was measured is never changed: masked pixels are stored as they
// came, they only do not count.
#pragma once

#include "frame/series.hpp"
#include "ledger/hash.hpp"
#include "pipeline/recipe.hpp"

namespace etalon {

struct Calibration {
  Mask mask;  // 1 is good
  Hash hash;  // SHA-256 of the mask's bytes
  // SHA-256 of calibrate.mask and calibrate.geometry, where they are set.
  std::optional<Hash> mask_file, geometry_file;
  struct {
    std::uint64_t source = 0, file = 0, invalid = 0, all = 0;
  } masked;  // pixels, by who named them
};

// The pixels where the (ny, nx) array in a recipe's file is not zero.
struct PixelFile {
  std::vector<std::uint8_t> set;  // 1 or 0
  Hash file;                      // SHA-256 of the file
};
// `written`: the path as the recipe has it. Errc::usage when the array has another shape.
Result<PixelFile> read_pixel_file(const Recipe& recipe, std::string_view written,
                                  const Geometry& geometry);

// `first` is the first frame of the series. Errc::usage when the mask file has another shape.
Result<Calibration> calibrate(const Recipe& recipe, const SeriesInfo& info, const Frame& first);

}  // namespace etalon
