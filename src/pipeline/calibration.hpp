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
  std::optional<std::string> mask_file;
  struct {
    std::uint64_t source = 0, file = 0, invalid = 0, all = 0;
  } masked;  // pixels, by who named them
};

// `first` is the first frame of the series. Errc::usage when the mask file has another shape.
Result<Calibration> calibrate(const Recipe& recipe, const SeriesInfo& info, const Frame& first);

}  // namespace etalon
