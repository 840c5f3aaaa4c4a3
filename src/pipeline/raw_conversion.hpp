// Raw frames made photons or shares of the open beam.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "frame/series.hpp"
#include "pipeline/recipe.hpp"

namespace etalon {

// Frames come in the order of their numbers: what dark ones among them say holds for those that
// follow.
struct RawConversion {
  DType dtype = DType::i32;
  // None: no frame is dark.
  std::function<Result<void>(const Frame&)> follow_dark;
  std::function<Result<void>(const ArrayView&, const MutableArrayView&)> convert;
  std::vector<std::uint8_t> bad;  // 1: in all frames
  double wavelength_angstrom = 0;
  std::vector<std::string> files;  // of constants

  // What the series is after it: type, mask (NeXus bit 1 for bad pixels), the wavelength where the
  // series does not know it.
  void describe(SeriesInfo& info) const;
  Result<Frame> operator()(Frame raw) const;
};

// None with calibrate.detector = "none". "jungfrau": i32 photons; "camera": f32 shares of the open
// beam. `source` holds the constants where the recipe names no file of them. Errc::usage when the
// constants do not fit images of `geometry` or say no photon energy.
Result<std::optional<RawConversion>> raw_conversion(const Recipe& recipe, const std::string& source,
                                                    const Geometry& geometry);

}  // namespace etalon
