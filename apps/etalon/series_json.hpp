// What a stored series holds, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "store/series_summary.hpp"

namespace etalon::cli {

nlohmann::json summary_json(const std::string& file, const SeriesSummary& summary);

}  // namespace etalon::cli
