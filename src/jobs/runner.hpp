// A job is data; runners start it. Urgent jobs start at once: background ones are suspended and
// resume after.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"

namespace etalon {

struct JobSpec {
  std::vector<std::string> argv;  // run as is, no shell
  std::string name;               // empty: argv[0]'s last part
  bool urgent = false;
  bool split_output = false;                       // stderr goes to a file of its own
  std::string directory;                           // working directory; empty: the submitter's
  std::map<std::string, std::string> environment;  // added to the submitter's
  unsigned retries = 0;                            // how often it is started again when it fails
  // Batch runners only: seconds after which a job that the scheduler has not started is withdrawn
  // there and run by the local runner, once in all; 0: it waits for ever.
  double deadline_s = 0;
  std::vector<std::string> batch_options;  // batch runners only: passed on to sbatch or qsub
};

enum class JobState { queued, running, suspended, done, failed, cancelled, lost };
std::string_view name_of(JobState state);
Result<JobState> parse_job_state(std::string_view name);
constexpr bool has_ended(JobState state) { return state >= JobState::done; }

struct JobStatus {
  std::uint64_t id = 0;
  JobSpec spec;
  JobState state = JobState::queued;
  int exit_code = 0;   // of done and failed; 128 + signal when a signal ended it
  std::string reason;  // why failed, cancelled or lost, or what it waits for; for people
  unsigned suspensions = 0;
  unsigned requeues = 0;  // how often the scheduler ended it and started it again from the top
  unsigned attempts = 0;  // how often it was started for its own sake: at most 1 + retries
  double submitted_s = 0, started_s = 0, ended_s = 0;  // Unix time; 0: not yet
  // Submit to the job's first instruction, in seconds; 0: not yet. From the call of submit() to the
  // moment before the job's execve, so that starting the daemon and waiting in the queue count.
  double latency_s = 0;
  std::string output;          // file that holds its stdout and stderr
  std::string errors;          // spec.split_output: file that holds its stderr; else empty
  std::string batch_id;        // a batch runner's job: the scheduler's name for it, once known
  std::uint64_t moved_to = 0;  // the local job that runs instead, since the deadline passed
  std::string stands_in_for;   // a local job's: what it runs for, or waits whether it must
};

// Where jobs run. Thread-safe.
class JobRunner {
 public:
  virtual ~JobRunner() = default;
  // The job survives the submitter, and a crash of the machine's services, once this returns.
  virtual Result<std::uint64_t> submit(const JobSpec& spec) = 0;
  virtual Result<JobStatus> status(std::uint64_t id) = 0;  // Errc::missing: no such job
  virtual Result<std::vector<JobStatus>> list() = 0;       // in order of submission
  // Asks; the job has ended when its state says so. No error when it has ended already.
  virtual Result<void> cancel(std::uint64_t id) = 0;
  // Until the job has ended; Errc::io when `limit` passes first.
  Result<JobStatus> wait(std::uint64_t id, std::chrono::milliseconds limit);
};

struct LocalRunnerOptions {
  // Empty: $ETALON_STATE, else HOST below $XDG_STATE_HOME/etalon or ~/.local/state/etalon, HOST
  // being this machine's name.
  std::string state_dir;
  // What is started as `EXECUTABLE job-daemon STATE_DIR`. Empty: $ETALON when that is set, else the
  // running program when its name begins with "etalon", else Errc::missing.
  std::string executable;
};

// The per-user daemon of this machine, started on demand; it owns the process groups and survives
// the shell.
Result<std::unique_ptr<JobRunner>> local_runner(const LocalRunnerOptions& options = {});
// Ends the daemon of this state directory if there is one; its jobs go on, the queue stays.
Result<void> stop_local_daemon(const LocalRunnerOptions& options = {});

// Jobs handed to a batch scheduler, through its command line programs, which are given a time
// limit. Each job has a directory on a file system that its node sees too; what happens to it is
// recorded there by the job itself, so that it is known also when the scheduler has forgotten the
// job.
struct BatchRunnerOptions {
  // Empty: $ETALON_STATE/NAME, else $XDG_STATE_HOME/etalon/NAME or ~/.local/state/etalon/NAME, NAME
  // being the scheduler's.
  std::string state_dir;
  std::string executable;  // on the nodes, too. Empty: $ETALON, else the running program
  std::string demand = "demand", background = "background";  // partitions or queues
  std::chrono::milliseconds limit{10'000};                   // for a call of the scheduler's

  // ETALON_SLURM_DEMAND, ETALON_SLURM_BACKGROUND (for PBS: ETALON_PBS_DEMAND, `demand`, and
  // ETALON_PBS_BACKGROUND, `preemptable`), ETALON_BATCH_LIMIT (seconds) over these defaults.
  static Result<BatchRunnerOptions> from_environment(std::string_view scheduler);
};
// Slurm (22.05 and later): an urgent job goes to the partition `demand`, which should preempt.
// Errc::missing when its programs are not there or its controller does not answer.
Result<std::unique_ptr<JobRunner>> slurm_runner(const BatchRunnerOptions& options);
// PBS Professional and OpenPBS.
Result<std::unique_ptr<JobRunner>> pbs_runner(const BatchRunnerOptions& options);

// "local", "slurm" or "pbs", with the environment's options; `executable` as in theirs. Errc::usage
// for another name.
Result<std::unique_ptr<JobRunner>> runner_named(std::string_view name,
                                                const std::string& executable = {});

// What a batch job consists of: on its node, claims the job of this directory, runs it, and records
// how it went. Returns the job's exit code. Errc::check when the job was withdrawn or taken over.
Result<int> run_batch_job(const std::string& directory);

struct JobDaemonOptions {
  std::string state_dir;
  std::chrono::seconds idle{300};                // without a job or a caller before it ends itself
  unsigned slots = 1;                            // background jobs at once
  unsigned urgent_slots = 0;                     // urgent jobs at once; 0: one per processor
  std::chrono::milliseconds cancel_grace{5000};  // between SIGTERM and SIGKILL
  bool detach = true;                            // become a background process

  // ETALON_DAEMON_IDLE (seconds), ETALON_SLOTS, ETALON_URGENT_SLOTS, ETALON_CANCEL_GRACE (seconds)
  // over these defaults. Errc::usage names a variable whose value makes no sense.
  static Result<JobDaemonOptions> from_environment(std::string state_dir);
};
// The daemon's main loop: returns when told to stop or idle. Errc::usage when one runs already.
// Forks: call it from a process with one thread.
Result<void> run_job_daemon(const JobDaemonOptions& options);

}  // namespace etalon
