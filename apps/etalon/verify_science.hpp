// verify --science: what the science judge says, for people and programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "analyse/science.hpp"
#include "crystal_options.hpp"
#include "finder_options.hpp"
#include "keep.hpp"
#include "reduce_input.hpp"
#include "steer/condition.hpp"

namespace etalon::cli {

struct ScienceOptions {
  FinderOptions finder;
  CrystalScienceOptions crystals;
  std::string predicted, keep;
  Judged judged() const { return {!predicted.empty(), crystals.given(), !crystals.truth.empty()}; }
};

// The names that --keep may ask for, for help texts.
inline constexpr const char* keep_names =
    "peaks peaks_invented hits hits_invented strong_bias strong_scatter\n"
    "weak_bias radial_chi2; of crystals: indexed orientation_shift\n"
    "cc_half cc_half_change cc_star r_split merged_cc\n"
    "structure_factor_cc structure_factor_cc_change";

// Declares --science, what it asks for, and options that need it.
void add_science_options(Command& command, ScienceOptions& options, bool& science);

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
