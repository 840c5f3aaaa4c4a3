// A job is data; runners start it. Urgent jobs start at once: background ones are suspended and
// resume after.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "etalon/result.hpp"

namespace etalon {

struct JobSpec {
  std::vector<std::string> argv;  // run as is, no shell
  std::string name;               // empty: argv[0]'s last part
  bool urgent = false;
  std::string directory;                           // working directory; empty: the submitter's
  std::map<std::string, std::string> environment;  // added to the submitter's
};

enum class JobState { queued, running, suspended, done, failed, cancelled, lost };
std::string_view name_of(JobState state);

struct JobStatus {
  std::uint64_t id = 0;
  JobSpec spec;
  JobState state = JobState::queued;
  int exit_code = 0;   // of done and failed; 128 + signal when a signal ended it
  std::string reason;  // why failed, cancelled or lost; for people
  unsigned suspensions = 0;
  double submitted_s = 0, started_s = 0, ended_s = 0;  // Unix time; 0: not yet
  double latency_s = 0;                                // submit to the job's first instruction
  std::string output;                                  // file that holds its stdout and stderr
};

// Where jobs run. Thread-safe.
class JobRunner {
 public:
  virtual ~JobRunner() = default;
  virtual Result<std::uint64_t> submit(const JobSpec& spec) = 0;
  virtual Result<JobStatus> status(std::uint64_t id) = 0;
  virtual Result<std::vector<JobStatus>> list() = 0;
  virtual Result<void> cancel(std::uint64_t id) = 0;
  // Until the job has ended; Errc::io when `limit` passes first.
  Result<JobStatus> wait(std::uint64_t id, std::chrono::milliseconds limit);
};

struct LocalRunnerOptions {
  std::string
      state_dir;  // empty: $ETALON_STATE, else $XDG_STATE_HOME/etalon, else ~/.local/state/etalon
  std::string
      executable;  // what is started as `EXECUTABLE job-daemon STATE_DIR`; empty: /proc/self/exe
};

// The per-user daemon of this machine, started on demand; it owns the process groups and survives
// the shell.
Result<std::unique_ptr<JobRunner>> local_runner(const LocalRunnerOptions& options = {});
// The daemon's main loop: returns when told to stop or idle with no job for `idle`. Errc::usage
// when one runs already.
Result<void> run_job_daemon(const std::string& state_dir, std::chrono::seconds idle);

}  // namespace etalon
