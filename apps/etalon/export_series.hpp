// A series in other files, for the commands that write one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "etalon/result.hpp"
#include "store/series_files.hpp"

namespace etalon::cli {

struct ExportRequest {
  std::string input, output, filter = "bslz4", dataset;
  std::string frames;  // "10:20"; empty: all
  std::uint64_t frames_per_file = 0;
  unsigned threads = 0;
  bool overwrite = false;
};
struct Exported {
  std::uint64_t frames = 0;
  std::vector<NxmxWriter::Piece> pieces;
};
Result<Exported> export_series(const ExportRequest& request);

}  // namespace etalon::cli
