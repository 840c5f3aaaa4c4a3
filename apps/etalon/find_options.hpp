// What `etalon find` was asked.
#pragma once

#include "finder_options.hpp"
#include "kernels/finder/finder.hpp"

namespace etalon::cli {

struct FindOptions {
  std::string file, dataset, dtype, shape;
  std::string method = "peakfinder8";
  FinderOptions finder;
  DispersionParameters dispersion;
  double ice_rings = 0, max_elongation = 0;
  bool learn = false;  // --auto
  unsigned threads = 0;
  bool json = false, csv = false;
};

void add_find_options(CLI::App& command, std::shared_ptr<FindOptions> options);

// Errc::usage for a method that there is not.
Result<FinderSettings> finder_settings(const FindOptions& options);

}  // namespace etalon::cli
