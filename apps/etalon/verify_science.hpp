// verify --science: what the science judge says, for people and programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "analyse/science.hpp"
#include "finder_options.hpp"
#include "reduce_input.hpp"
#include "steer/condition.hpp"

namespace etalon::cli {

struct ScienceOptions {
  FinderOptions finder;
  std::string predicted, keep;
};

// Declares --science, what it asks for, and options that need it.
void add_science_options(CLI::App& command, ScienceOptions& options, bool& science);

// A judgement and what was asked of it.
struct Science {
  ScienceReport report;
  std::optional<Condition> keep;
};

// Conditions are parsed before anything is read.
Result<Science> judge_science(const ArrayInput& raw, const ArrayInput& reduced,
                              const ScienceOptions& options);

std::string science_text(const Science& science);
nlohmann::json science_json(const Science& science);
// A number, or null where it could not be judged.
nlohmann::json judged_number(double value);

// Errc::check names the conditions that do not hold.
Result<void> hold_science(const Science& science, const std::string& reduced);

}  // namespace etalon::cli
