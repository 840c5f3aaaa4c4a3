// What run, edge and collect tell at their end.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/run.hpp"

namespace etalon::cli {

nlohmann::json run_json(const RunReport& report);
nlohmann::json edge_json(const EdgeReport& report);
nlohmann::json collect_json(const CollectReport& report);

std::string run_text(const RunReport& report);
std::string edge_text(const EdgeReport& report);
std::string collect_text(const CollectReport& report);

}  // namespace etalon::cli
