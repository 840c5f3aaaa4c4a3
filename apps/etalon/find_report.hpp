// What `etalon find` was asked and how it tells what it found: a table, CSV or JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "finder_options.hpp"
#include "frame/geometry.hpp"

namespace etalon::cli {

struct FindOptions {
  std::string file, dataset, dtype, shape;
  std::string method = "peakfinder8";
  FinderOptions finder;
  unsigned threads = 0;
  bool json = false, csv = false;
};

struct Found {
  std::uint64_t frame = 0;
  std::vector<Peak> peaks;
};

class FindReport {
 public:
  FindReport(const FindOptions& options, const Geometry& geometry)
      : options_(options), geometry_(geometry) {}

  Result<void> begin() const;
  Result<void> add(const Found& found);
  Result<void> end(double seconds) const;

 private:
  Result<void> print_json(double hit_rate) const;

  const FindOptions& options_;
  const Geometry& geometry_;
  nlohmann::json frames_json_ = nlohmann::json::array();
  std::uint64_t frames_ = 0, hits_ = 0, peaks_ = 0;
};

}  // namespace etalon::cli
