// A job on disk: a directory with one small record for each thing that can happen to it once.
//
//   N/spec      written before submit is answered: what to run, and as whom it was asked
//   N/claim     the supervisor's identity; whoever writes it first runs the job, nobody else
//   N/started   when the first instruction ran
//   N/control   rewritten at each suspension, resumption and further attempt
//   N/result    how it ended; the first writer wins
//   N/output    the job's standard output and error; output.1 … those of earlier attempts
//   N/errors    its standard error, where the spec wants the two apart
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "jobs/process.hpp"
#include "jobs/record.hpp"
#include "jobs/runner.hpp"

namespace etalon::jobs {

// A point in time, twice: for people, and for differences that a clock adjustment cannot spoil.
struct Stamp {
  double unix_s = 0;
  double monotonic_s = 0;  // CLOCK_MONOTONIC, the same for all processes of this machine
};
Stamp now();

// What a local job waits for that runs only when a batch job has not started in time.
struct StandBy {
  std::string directory;  // the batch job's; empty: the job is no stand-by
  double until_s = 0;     // Unix time
};

struct SpecRecord {
  JobSpec spec;     // directory filled in
  std::string key;  // random, chosen by the submitter: names this submission, marks its processes
  std::vector<std::string> environment;  // the submitter's, "NAME=value"
  unsigned umask = 077;
  Stamp submitted;
  StandBy standby;
};
struct ClaimRecord {
  ProcessIdentity supervisor;
};
struct StartedRecord {
  Stamp started;
  std::int64_t pid = 0;  // of the job, also its process group and session
};
struct ControlRecord {
  bool suspended = false;
  unsigned suspensions = 0;
  unsigned attempts = 1, requeues = 0;  // see JobStatus
  std::string last_failure{};           // why the attempt before failed
};
struct ResultRecord {
  JobState state = JobState::lost;  // done, failed, cancelled or lost
  int exit_code = 0;
  std::string reason;
  double ended_s = 0;  // Unix time
  unsigned suspensions = 0;
  unsigned attempts = 1, requeues = 0;
};

cbor::Value to_cbor(const SpecRecord& record);
cbor::Value to_cbor(const ClaimRecord& record);
cbor::Value to_cbor(const StartedRecord& record);
cbor::Value to_cbor(const ControlRecord& record);
cbor::Value to_cbor(const ResultRecord& record);

// Errc::malformed names the key that is missing or wrong.
Result<void> from_cbor(const cbor::Value& value, SpecRecord& record);
Result<void> from_cbor(const cbor::Value& value, ClaimRecord& record);
Result<void> from_cbor(const cbor::Value& value, StartedRecord& record);
Result<void> from_cbor(const cbor::Value& value, ControlRecord& record);
Result<void> from_cbor(const cbor::Value& value, ResultRecord& record);

// Reads one of the records above; Errc::missing when it is not there yet.
template <typename Record>
Result<Record> load(const std::string& path) {
  ETALON_ASSIGN(const cbor::Value value, read_record(path));
  Record record;
  if (auto parsed = from_cbor(value, record); !parsed.ok())
    return std::move(parsed).error().in(path);
  return record;
}

}  // namespace etalon::jobs
