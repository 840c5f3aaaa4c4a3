// The peak finder as the command line sets it: for find, verify --science and tune.
#pragma once

#include <string>
#include <vector>

#include "cli.hpp"
#include "etalon/peaks.hpp"
#include "frame/series.hpp"
#include "kernels/finder/finder.hpp"

namespace etalon::cli {

struct FinderOptions {
  std::string method = "peakfinder8";
  PeakParameters parameters;
  DispersionParameters dispersion;
  double gain = 1;  // units of the image a photon
  double ice_rings = 0, max_elongation = 0;
  std::uint32_t min_peaks = 15;
  std::string centre, mask, geometry;
  bool gain_given = false, min_pixels_given = false;
};

// Declares them; those that `find` has, under the same names. `options` must outlive the command.
std::vector<Option*> add_finder_options(Command& command, FinderOptions& options);

// Errc::usage for a method that there is not. `verb` begins messages.
Result<FinderSettings> finder_settings(const std::string& verb, const FinderOptions& options);

// What a finder needs to know of the series in `file`.
struct FinderView {
  Geometry geometry;
  Mask mask;  // the file's own, and that of --mask on top of it
};
// --geometry gives panels, places and a mask. Errc::usage for a centre that is no pair of numbers
// and for a mask that does not fit. Notes when the middle of the image stands for a centre that
// nobody knows.
Result<FinderView> finder_view(const std::string& verb, const std::string& file,
                               const SeriesInfo& info, const FinderOptions& options);

}  // namespace etalon::cli
