// Jobs as people and programs read them; shared by submit and jobs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "jobs/runner.hpp"

namespace etalon::cli {

// Times are Unix seconds, and null where they are not known yet, as is exit_code.
nlohmann::json to_json(const JobStatus& job);
// JSON text; bytes that are no UTF-8 are replaced.
std::string dump(const nlohmann::json& json, int indent = 2);
std::string table_of(const std::vector<JobStatus>& jobs);
std::string details_of(const JobStatus& job);

}  // namespace etalon::cli
