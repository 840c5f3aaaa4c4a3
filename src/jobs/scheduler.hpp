// What a batch scheduler must be able to do, and the two that can.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jobs/batch_files.hpp"
#include "jobs/program.hpp"
#include "jobs/runner.hpp"

namespace etalon::jobs {

struct BatchState {
  enum class Phase { pending, running, suspended, ended };
  Phase phase = Phase::pending;
  bool cancelled = false;  // of ended: a user or an operator did that
  bool by_itself = false;  // of ended: its script ran to its end
  std::string text;        // in the scheduler's words
};

// Each call runs one program of the scheduler's with a time limit. Errc::missing when there is no
// such program or the scheduler does not answer, else Errc::io with what the program said.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual std::string name() const = 0;
  // Hands over DIRECTORY/script; its output goes to DIRECTORY/log.
  // Errc::interrupted: there was no answer, so that it may have been handed over all the same.
  virtual Result<BatchRecord> submit(const JobSpec& spec, const std::string& directory) = 0;
  // What the scheduler knows of these jobs, and perhaps of others.
  virtual Result<std::map<std::string, BatchState>> query(const std::vector<std::string>& ids) = 0;
  // No error when it has ended already or is unknown.
  virtual Result<void> cancel(const std::string& id) = 0;
};

// `environment`: of the programs that are run, "NAME=value"; empty: this process's.
std::unique_ptr<Scheduler> slurm_scheduler(const BatchRunnerOptions& options,
                                           std::vector<std::string> environment = {});
std::unique_ptr<Scheduler> pbs_scheduler(const BatchRunnerOptions& options,
                                         std::vector<std::string> environment = {});
// By the name that a BatchRecord holds. Errc::malformed when there is none of that name.
Result<std::unique_ptr<Scheduler>> scheduler_named(const std::string& name,
                                                   const BatchRunnerOptions& options,
                                                   std::vector<std::string> environment);

// For names that a scheduler's programs and files carry: letters, digits, `_`, `.` and `-` stay,
// others become `_`; at most `most` characters, the first a letter.
std::string plain_name(const std::string& name, std::size_t most);

// A batch runner on any scheduler; the name of its state directory is the scheduler's.
Result<std::unique_ptr<JobRunner>> batch_runner(std::unique_ptr<Scheduler> scheduler,
                                                const BatchRunnerOptions& options);

// Reading what the schedulers' programs print. An empty id in a line is an error.
Result<std::map<std::string, BatchState>> parse_squeue(const std::string& text);
Result<std::map<std::string, BatchState>> parse_qstat(const std::string& json);

}  // namespace etalon::jobs
