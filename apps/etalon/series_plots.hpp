// Pictures of a stored series.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "etalon/result.hpp"
#include "plot/plot.hpp"

namespace etalon::cli {

struct PlotRequest {
  std::string folder;                  // made where it is not there
  std::optional<std::uint64_t> frame;  // index; none: the one with the most peaks
  std::uint32_t min_peaks = 15;        // of a hit
  bool overwrite = false;
};
// "frame" (with its peaks as circles), "hits" (the share of hits over time), "powder" (mean over
// all frames), "radial" (the mean over circles round the beam).
struct Pictures {
  std::vector<std::pair<std::string, plot::Picture>> drawn;
  std::vector<std::string> missing;  // what could not be drawn, and why
  std::uint64_t frame = 0;           // index of the one that was drawn
};
Result<Pictures> draw_series(const std::string& file, const PlotRequest& request);

struct Plots {
  std::vector<std::string> files, missing;
};
// As FOLDER/STEM.frame.png and so on.
Result<Plots> plot_series(const std::string& file, const PlotRequest& request);

}  // namespace etalon::cli
