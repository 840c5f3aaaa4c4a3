// What a job of many processes (etalon-mpi) adds to the report of an analysis. One process adds
// nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace etalon::cli {

// Moving json throws nothing. NOLINTNEXTLINE(bugprone-exception-escape)
struct JobReport {
  nlohmann::json json;  // null: nothing
  std::string text;

  void add_to(nlohmann::json& report) const {
    if (!json.is_null()) report["job"] = json;
  }
};

}  // namespace etalon::cli
