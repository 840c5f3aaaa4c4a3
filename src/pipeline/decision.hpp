// From the numbers of a run to an Action with its record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "ledger/ledger.hpp"
#include "pipeline/analysis.hpp"
#include "pipeline/recipe.hpp"
#include "pipeline/veto.hpp"

namespace etalon {

struct RunNumbers {
  std::uint64_t received = 0, stored = 0;
  std::map<std::string, std::uint64_t> lost;
  std::uint64_t raw_bytes = 0, raw_bytes_kept = 0, bytes_stored = 0;
  double seconds = 0, latency_p99_ms = 0;
  AuditSummary audit;
};

// All of run_metric_names(); not a number where the analysis does not tell (or there is none).
Metrics metrics_of(const RunNumbers& run, const std::optional<Analysis>& analysis);

struct Decision {
  Action action;
  Hash id;  // of its record in the ledger
};

// Evaluates the rules and records the Action with the numbers that they looked at. `evidence`: the
// record that it rests on.
Result<Decision> decide(const Recipe& recipe, const Metrics& metrics, std::uint64_t frames,
                        const Hash& evidence, Ledger& ledger);

}  // namespace etalon
