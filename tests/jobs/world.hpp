// A state directory of its own for each test, and the daemon, files and processes in it.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jobs/runner.hpp"

namespace etalon::jobs_test {

inline constexpr std::chrono::minutes patience{
    4};  // for what must happen, however slow the machine

class World : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;  // cancels all jobs, stops the daemon, and finds no process left

  std::unique_ptr<JobRunner> runner() const;
  // A job that plays a part of roles.hpp.
  static JobSpec part(std::vector<std::string> words, bool urgent = false);
  std::uint64_t submit(JobSpec spec) const;
  JobStatus ended(std::uint64_t id) const;  // waits
  void wait_for_state(std::uint64_t id, JobState state) const;

  pid_t daemon_pid() const;  // 0: none
  bool kill_daemon() const;  // SIGKILL; waits until it has gone; false when there was none
  pid_t supervisor_pid(std::uint64_t id) const;
  std::string state(const std::string& name) const { return directory_ + "/state/" + name; }
  std::string file(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
};

std::string content(const std::string& path);
std::vector<std::string> lines(const std::string& path);
void touch(const std::string& path);
bool lives(pid_t pid);  // as other than a zombie
// Fails the test when `condition` does not come true within `patience`.
void eventually(const char* what, const std::function<bool()>& condition);

}  // namespace etalon::jobs_test
