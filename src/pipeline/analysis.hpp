// The urgent job on a stored series, through a job runner.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "jobs/runner.hpp"
#include "ledger/ledger.hpp"
#include "pipeline/recipe.hpp"

namespace etalon {

struct Analysis {
  std::uint64_t job = 0;
  std::string runner;                     // that ended up with it
  double start_latency_s = 0;             // submit to the job's first instruction
  std::string path;                       // the virtual powder, NAME.powder.h5
  std::map<std::string, double> metrics;  // of run_metric_names(), those that it tells
  Hash record;                            // in the ledger
};

struct AnalysisTask {
  std::string executable;  // the program that analyses; empty: $ETALON, else the running one
  std::string stored;
  Hash stored_hash, stored_record;
  bool overwrite = false;
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void()> meanwhile;  // called about ten times a second
};

// "run.h5" -> "run.powder.h5"
std::string powder_beside(const std::string& stored);

// Submits `ETALON analyse powder STORED`, waits for it and records it. Errc::io when the job fails
// (with its last words) or does not end in time; Errc::interrupted, after cancelling it, when
// `interrupted` is set.
Result<Analysis> run_analysis(const Recipe& recipe, const AnalysisTask& task, Ledger& ledger);

}  // namespace etalon
