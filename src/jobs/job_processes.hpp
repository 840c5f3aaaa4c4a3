// The processes of one job, seen from the process that owns them: started, signalled all at once,
// reaped, and ended with whatever they leave behind. For a process with one thread that watches
// SIGCHLD.
#pragma once

#include <chrono>
#include <string>

#include "jobs/launch.hpp"

namespace etalon::jobs {

class JobProcesses {
 public:
  JobProcesses(const SpecRecord& spec, std::uint64_t id, std::string directory,
               Session session = Session::own)
      : spec_(spec), id_(id), directory_(std::move(directory)), session_(session) {}

  // Starts the command once more. What an earlier attempt wrote is kept beside as output.N (and
  // errors.N), N from 1.
  const Launch& start();
  // Collects who has ended; true once the job's first process has.
  bool reap();
  // SIGSTOP and SIGCONT until nobody new is found; others once to each process.
  void signal_all(int signal);
  // A job ends with all its processes: the rest is asked to end and, after `kill_at`, made to.
  void end_leftovers(std::chrono::steady_clock::time_point kill_at, bool asked);

  // How the last attempt ended: done or failed, exit code, reason and time.
  const ResultRecord& end() const { return end_; }

 private:
  void set_output_aside() const;

  const SpecRecord& spec_;
  std::uint64_t id_;
  std::string directory_;
  Session session_;
  Launch job_;
  bool ended_ = true;
  ResultRecord end_;
};

// How long to wait before what has failed `attempts` times is tried again.
std::chrono::milliseconds retry_pause(unsigned attempts);

}  // namespace etalon::jobs
