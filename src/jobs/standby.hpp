// Stand-bys: local jobs that run only when a batch job has not started in time.
#pragma once

#include "jobs/job_files.hpp"

namespace etalon::jobs {

enum class StandByState {
  waits,   // the batch job may still start in time
  runs,    // the batch job is withdrawn, for good: the local job is to run
  is_over  // the batch job has started, was cancelled or is gone: the local job must never run
};
// Withdraws the batch job when its time has come and it has not started. One of them wins the batch
// job's claim, so never both run, whoever is killed and whatever the scheduler says; asked again,
// the answer stays the same.
StandByState look_after(const StandBy& standby, std::uint64_t local_job, double now_unix_s);

// Takes a withdrawn batch job out of the scheduler's queue; should that fail, it ends there as soon
// as it is started. `environment`: the submitter's.
void withdraw_from_scheduler(const StandBy& standby, const std::vector<std::string>& environment);

// "slurm job 7", for people.
std::string name_of(const StandBy& standby);

// Forks a process that starts another daemon when this one dies, since a stand-by that waits has no
// supervisor yet to do so. The caller has one thread.
Result<pid_t> start_keeper(const std::string& state_dir);

}  // namespace etalon::jobs
