// What a batch job's records and its scheduler say, put together. Pure, but for reading the
// records.
#pragma once

#include <optional>

#include "jobs/batch_files.hpp"
#include "jobs/scheduler.hpp"

namespace etalon::jobs {

struct BatchJobFiles {
  std::uint64_t number = 0;
  std::string directory;
  SpecRecord spec;
  std::string id_there;  // the scheduler's name for it; empty: not known
  std::uint64_t moved_to = 0;
  bool cancel_asked = false, step = false;
  std::optional<StartedRecord> started;
  std::optional<ControlRecord> control;
  std::optional<ResultRecord> stopped, result;
};

// Errc::malformed names the record that is damaged.
Result<BatchJobFiles> read_batch_job(const std::string& directory, std::uint64_t number);

// How a job ended that left no result: `state` is null when the scheduler does not know it any
// more.
ResultRecord conclude(const BatchJobFiles& job, const BatchState* state,
                      const std::string& scheduler);
// The result of a job that the local runner has taken over.
ResultRecord moved(std::uint64_t local_job, const std::string& why);

JobStatus describe(const BatchJobFiles& job, const BatchState* state, const std::string& scheduler);

}  // namespace etalon::jobs
