// The daemon's knowledge of its jobs: all of it can be read back from the job directories at any
// moment, which is what a restarted daemon does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "jobs/job_files.hpp"
#include "jobs/queue.hpp"

namespace etalon::jobs {

// Ended jobs beyond this many are forgotten, oldest first.
inline constexpr std::size_t kept_jobs = 1000;

class JobTable {
 public:
  // `directory` holds one directory a job, named by its number. Reads all of them, takes over the
  // supervisors that live, and declares lost what has none and no result. One damaged file costs
  // one job.
  static Result<JobTable> open(const std::string& directory, const JobDaemonOptions& options);

  // Durable when it returns. The same key again gives the same job.
  Result<std::uint64_t> submit(SpecRecord spec);
  Result<JobStatus> status(std::uint64_t id);
  std::vector<JobStatus> list();
  Result<void> cancel(std::uint64_t id);

  // Starts, suspends and resumes what the queue's rule says.
  void schedule_now();
  // Looks after the stand-bys that wait; how long until that is to be done again, nullopt: none
  // waits.
  std::optional<std::chrono::milliseconds> look_after_standbys();
  // Supervisors' handles, to be polled for reading, and what to do when one is readable.
  std::vector<std::pair<std::uint64_t, int>> watched() const;
  void supervisor_ended(std::uint64_t id);
  // Before the daemon ends by intent: nothing stays suspended, and no supervisor starts another.
  void release_all();
  bool idle() const { return active_.empty(); }

 private:
  struct Job {
    SpecRecord spec;
    Fd supervisor;    // not valid: none lives
    pid_t child = 0;  // the supervisor's number while it is a child of ours
    unsigned attempts = 0;
    bool cancel_asked = false;
    bool waits = false;             // a stand-by that may not run yet
    std::optional<bool> suspended;  // the last order given; nullopt: none since taken over
    std::optional<StartedRecord> started;
    ControlRecord control;
    std::optional<ResultRecord> result;  // set: has ended
  };

  void load_job(std::uint64_t id);
  void look_for_supervisor(std::uint64_t id, Job& job);
  void start(std::uint64_t id, Job& job);
  static void order(Job& job, bool suspend);
  void end(std::uint64_t id, Job& job, JobState state, int exit_code, std::string reason);
  void lose(std::uint64_t id, Job& job, std::string reason);
  void refresh(std::uint64_t id, Job& job);
  void stand_down(std::uint64_t id, Job& job);
  void forget_old();
  JobStatus describe(std::uint64_t id, const Job& job) const;
  std::string directory_of(std::uint64_t id) const;
  std::string file(std::uint64_t id, const char* name) const;

  std::string directory_;
  JobDaemonOptions options_;
  std::map<std::uint64_t, Job> jobs_;
  std::vector<std::uint64_t> active_;  // not ended, in order of submission
  std::unordered_map<std::string, std::uint64_t> by_key_;
  std::uint64_t next_id_ = 1;
};

}  // namespace etalon::jobs
