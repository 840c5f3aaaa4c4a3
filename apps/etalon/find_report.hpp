// How `etalon find` tells what it found: a table, CSV or JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "find_options.hpp"
#include "frame/geometry.hpp"

namespace etalon::cli {

struct Found {
  std::uint64_t frame = 0;
  std::vector<Peak> peaks;
};

class FindReport {
 public:
  FindReport(const FindOptions& options, const FinderSettings& settings, const Geometry& geometry)
      : options_(options), settings_(settings), geometry_(geometry) {}

  Result<void> begin() const;
  Result<void> add(const Found& found);
  Result<void> end(double seconds) const;

 private:
  Result<void> print_json(double hit_rate) const;

  const FindOptions& options_;
  const FinderSettings& settings_;
  const Geometry& geometry_;
  nlohmann::json frames_json_ = nlohmann::json::array();
  std::uint64_t frames_ = 0, hits_ = 0, peaks_ = 0;
};

}  // namespace etalon::cli
