// verify --statistics: how alike original and reduction are, and what the errors look like.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "analyse/error_statistics.hpp"
#include "cli.hpp"
#include "store/series_reader.hpp"
#include "verify_tally.hpp"

namespace etalon::cli {

struct StatisticsOptions {
  bool wanted = false;
  std::uint64_t sample = std::uint64_t{1} << 26;  // elements
};
void add_statistics_options(Command& command, StatisticsOptions& options);

Array cut(const ArrayView& whole, const Box& box);

// The reduction's elements of a box.
using BoxReader = std::function<Result<Array>(const Box&)>;
// `tally` is of the whole.
Result<ErrorStatistics> array_statistics(const ArrayView& original, const BoxReader& reduced,
                                         const Tally& tally, const StatisticsOptions& options);
// Of frames that both have, each by itself: those between may have been left out.
Result<ErrorStatistics> series_statistics(SeriesReader& original, SeriesReader& stored,
                                          const Tally& tally, const StatisticsOptions& options);

// `elements`: of all that is compared.
std::string statistics_text(const ErrorStatistics& statistics, std::uint64_t elements);
nlohmann::json statistics_json(const ErrorStatistics& statistics, std::uint64_t elements);

}  // namespace etalon::cli
