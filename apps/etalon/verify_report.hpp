// What verify found, for people and programs.
#pragma once

#include <optional>

#include "verify_science.hpp"
#include "verify_sources.hpp"
#include "verify_statistics.hpp"

namespace etalon::cli {

struct Verdict {
  Tally tally;
  std::optional<FrameCount> frames;
  std::optional<ErrorStatistics> statistics;
  std::optional<Science> science;
};

Result<void> print_json(const Verdict& verdict);
Result<void> print_text(const Verdict& verdict);

}  // namespace etalon::cli
