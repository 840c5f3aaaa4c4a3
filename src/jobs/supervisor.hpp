// One process a job: it owns the job's processes, obeys the daemon's orders, survives the daemon,
// and writes down how the job ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "jobs/job_files.hpp"

namespace etalon::jobs {

struct SupervisorOptions {
  std::uint64_t id = 0;
  std::string directory;  // of the job's files
  std::string state_dir;  // for which a daemon is started when the one that watches has died
  std::chrono::milliseconds cancel_grace{5000};
};

// Forks a supervisor with order_signal() blocked; returns its number. The supervisor claims the job
// or, when another has, ends at once. Errc::io when there can be no new process. The caller has one
// thread.
Result<pid_t> start_supervisor(const SpecRecord& spec, const SupervisorOptions& options);

}  // namespace etalon::jobs
