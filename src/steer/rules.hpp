// Rules decide: the first whose condition holds names the Action. Pure: same table, same metrics,
// same Action.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "etalon/result.hpp"
#include "steer/action.hpp"
#include "steer/condition.hpp"

namespace etalon {

// One line of a recipe's [decide] table as it was written.
struct RuleText {
  std::string when;  // see condition.hpp
  std::string action;
  ActionParameters parameters;
};

// Used for whole runs and for single frames alike; only the metrics differ. Thread-safe.
class RuleTable {
 public:
  struct Options {
    std::string otherwise{action_continue};  // when no rule holds
    std::uint64_t min_frames = 1;            // with fewer, the table abstains
  };

  // Errc::usage for a condition that does not parse, an empty action, or a metric outside `known`
  // (which are then listed); the message names the rule by number, from 1.
  static Result<RuleTable> create(const std::vector<RuleText>& rules, const Options& options,
                                  const std::vector<std::string>& known);

  // `frames` is how many frames the metrics rest on. The action is "abstain", with the reason, when
  // those are fewer than min_frames or when a metric that a rule reads is not a number before any
  // rule has held. Errc::usage when a metric of the table is not in `metrics`.
  Result<Action> decide(const Metrics& metrics, std::uint64_t frames,
                        std::vector<Hash> evidence) const;

  std::size_t size() const { return rules_.size(); }

 private:
  struct Rule {
    Condition when;
    std::string action;
    ActionParameters parameters;
  };
  RuleTable() = default;

  std::vector<Rule> rules_;
  Options options_;
};

// What is known of a whole run when it has been analysed, and of one frame when it has been
// searched for peaks: the names for `known`.
const std::vector<std::string>& run_metric_names();
const std::vector<std::string>& frame_metric_names();

}  // namespace etalon
