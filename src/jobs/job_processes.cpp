#include "jobs/job_processes.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

namespace etalon::jobs {

using Clock = std::chrono::steady_clock;

void JobProcesses::set_output_aside() const {
  for (const char* name : {"output", "errors"}) {
    const std::string path = directory_ + "/" + name;
    if (::access(path.c_str(), F_OK) != 0) continue;
    unsigned number = 1;
    while (::access((path + "." + std::to_string(number)).c_str(), F_OK) == 0) ++number;
    (void)std::rename(path.c_str(), (path + "." + std::to_string(number)).c_str());
  }
}

const Launch& JobProcesses::start() {
  set_output_aside();
  job_ = launch(spec_, id_, directory_, session_);
  ended_ = job_.exit_code != 0;
  end_ = {};
  if (ended_) end_ = {JobState::failed, job_.exit_code, job_.reason, now().unix_s};
  return job_;
}

// Children of ours are the job and what it left without a parent.
bool JobProcesses::reap() {
  int status = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return ended_;
    if (pid != job_.pid) continue;
    ended_ = true;
    end_.ended_s = now().unix_s;
    if (WIFEXITED(status)) {
      end_.exit_code = WEXITSTATUS(status);
      end_.reason = end_.exit_code == 0 ? "" : "exit code " + std::to_string(end_.exit_code);
    } else {
      end_.exit_code = 128 + WTERMSIG(status);
      end_.reason = "ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
                    ::strsignal(WTERMSIG(status)) + ")";
    }
    end_.state = end_.exit_code == 0 ? JobState::done : JobState::failed;
  }
}

// The group at once, then whoever left it, each process once. A process may be born while we look:
// stopping goes on until nobody new is found.
void JobProcesses::signal_all(int signal) {
  if (!ended_) ::kill(-job_.pid, signal);
  for (int round = 0; round < 20; ++round) {
    bool found = false;
    for (const ProcessStat& process : descendants(::getpid())) {
      const bool stopped = process.state == 'T';
      if ((signal == SIGSTOP && stopped) || (signal == SIGCONT && !stopped)) continue;
      if (signal == SIGTERM && !ended_ && process.group == job_.pid) continue;
      signal_process(process, signal);
      found = true;
    }
    if (!found || (signal != SIGSTOP && signal != SIGCONT)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void JobProcesses::end_leftovers(Clock::time_point kill_at, bool asked) {
  const auto left = [&] {
    std::vector<ProcessStat> found = descendants(::getpid());
    if (found.empty()) found = processes_marked(mark_of(spec_));
    return found;
  };
  const auto give_up_at = kill_at + std::chrono::seconds(30);
  for (auto found = left(); !found.empty(); found = left()) {
    const bool late = Clock::now() >= kill_at;
    for (const ProcessStat& process : found) {
      if (!asked || late) signal_process(process, late ? SIGKILL : SIGTERM);
      if (process.state == 'T') signal_process(process, SIGCONT);
    }
    asked = true;
    if (Clock::now() >= give_up_at) break;  // stuck in the kernel: nothing more can be done
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    reap();
  }
}

std::chrono::milliseconds retry_pause(unsigned attempts) {
  return std::chrono::milliseconds(250) * (1 << std::min(attempts, 7U));
}

}  // namespace etalon::jobs
