// A stored series at a glance.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "frame/series.hpp"

namespace etalon {

struct SeriesSummary {
  SeriesInfo info;
  std::uint64_t masked = 0;                                // pixels
  std::uint64_t raw_bytes = 0, file_bytes = 0;             // file_bytes: of all its files
  std::optional<std::uint64_t> first_number, last_number;  // in the series they were taken from
  bool is_growing = false;  // it is being written, or its writer was killed

  struct Peaks {
    std::uint64_t frames = 0, all = 0, least = 0, median = 0, most = 0;  // of frames: a frame
  };
  std::optional<Peaks> peaks;
  struct Audit {
    std::uint64_t frames = 0, hits = 0;
  };
  std::optional<Audit> audit;
};

// Of whatever open_series() opens, and with its errors. Images are not decoded.
Result<SeriesSummary> summarize_series(const std::string& path);

}  // namespace etalon
