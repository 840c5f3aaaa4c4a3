// Pictures of a stored series.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "etalon/result.hpp"

namespace etalon::cli {

struct PlotRequest {
  std::string folder;                  // made where it is not there
  std::optional<std::uint64_t> frame;  // index; none: the one with the most peaks
  std::uint32_t min_peaks = 15;        // of a hit
  bool overwrite = false;
};
struct Plots {
  std::vector<std::string> files;
  std::vector<std::string> missing;  // what could not be drawn, and why
};
// FOLDER/STEM.frame.png (with its peaks as circles), .powder.png (mean over all frames),
// .radial.png (the mean over circles round the beam), .hits.png (the share of hits over time).
Result<Plots> plot_series(const std::string& file, const PlotRequest& request);

}  // namespace etalon::cli
