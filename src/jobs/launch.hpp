// Turns a job's spec into a process.
#pragma once

#include <sys/types.h>

#include <string>

#include "jobs/job_files.hpp"

namespace etalon::jobs {

struct Launch {
  pid_t pid = -1;      // the child; already gone when exit_code is not 0
  Stamp started;       // taken by the child as the last thing before execve
  int exit_code = 0;   // 127: no such program, 126: cannot be run; 0: it runs
  std::string reason;  // of exit_code
};

// Schedulers find a job's processes by their session: there they stay in the caller's.
enum class Session { own, callers };

// In a process group of its own, and a session as said; standard input empty, output and error
// appended to DIRECTORY/output, or error to DIRECTORY/errors where the spec wants them apart; with
// the submitter's environment, directory and umask, and ETALON_JOB=id and ETALON_JOB_KEY=key added.
// Dies with the caller. Returns once the program runs or has failed to.
Launch launch(const SpecRecord& spec, std::uint64_t id, const std::string& directory,
              Session session = Session::own);

// The environment entry that marks every process of the job.
std::string mark_of(const SpecRecord& spec);

}  // namespace etalon::jobs
