#include "world.hpp"

#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "jobs/job_files.hpp"
#include "roles.hpp"

int main(int argc, char** argv) {
  if (const auto status = etalon::jobs_test::play(argc, argv)) return *status;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

namespace etalon::jobs_test {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> all;
  for (std::string line; std::getline(file, line);) all.push_back(line);
  return all;
}

void touch(const std::string& path) { std::ofstream(path) << "x"; }

bool lives(pid_t pid) {
  const char state = jobs::process_stat(pid).state;
  return state != 'X' && state != 'Z';
}

void eventually(const char* what, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "did not come true: " << what;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void World::SetUp() {
  std::string pattern = testing::TempDir() + "jobsXXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  directory_ = pattern;
  for (const char* variable : {"ETALON", "ETALON_STATE", "ETALON_SLOTS", "ETALON_URGENT_SLOTS",
                               "ETALON_DAEMON_IDLE", "ETALON_CANCEL_GRACE"})
    ::unsetenv(variable);
  ::setenv("ETALON_CANCEL_GRACE", "1", 1);
  ::setenv("JOBS_TEST", directory_.c_str(), 1);  // marks every process of this test
}

void World::TearDown() {
  auto local = runner();
  if (auto jobs = local->list(); jobs.ok())
    for (const JobStatus& job : *jobs)
      if (!has_ended(job.state)) {
        EXPECT_TRUE(local->cancel(job.id).ok());
        EXPECT_TRUE(local->wait(job.id, patience).ok());
      }
  EXPECT_TRUE(stop_local_daemon({file("state"), ""}).ok());
  const auto left = [this] {
    std::vector<pid_t> found;
    for (const auto& process : jobs::processes_marked("JOBS_TEST=" + directory_))
      found.push_back(process.pid);
    return found;
  };
  eventually("every process of the test has ended", [&] { return left().empty(); });
  for (const pid_t pid : left()) ::kill(pid, SIGKILL);
  std::filesystem::remove_all(directory_);
}

std::unique_ptr<JobRunner> World::runner() const {
  auto made = local_runner({file("state"), "/proc/self/exe"});
  EXPECT_TRUE(made.ok()) << made.error().message;
  return std::move(*made);
}

JobSpec World::part(std::vector<std::string> words, bool urgent) {
  JobSpec spec;
  static const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  spec.argv = {self};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.name = words[0];
  spec.urgent = urgent;
  return spec;
}

std::uint64_t World::submit(JobSpec spec) const {
  const auto id = runner()->submit(spec);
  EXPECT_TRUE(id.ok()) << id.error().message;
  return id.ok() ? *id : 0;
}

JobStatus World::ended(std::uint64_t id) const {
  auto status = runner()->wait(id, patience);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return status.ok() ? *status : JobStatus{};
}

void World::wait_for_state(std::uint64_t id, JobState wanted) const {
  const auto local = runner();
  eventually("the job's state", [&] {
    const auto status = local->status(id);
    return status.ok() && status->state == wanted;
  });
}

pid_t World::daemon_pid() const {
  const pid_t pid = std::atoi(content(state("jobs/lock")).c_str());
  if (pid <= 0 || !lives(pid)) return 0;
  const std::string command = content("/proc/" + std::to_string(pid) + "/cmdline");
  return command.find("job-daemon") != std::string::npos ? pid : 0;
}

bool World::kill_daemon() const {
  const pid_t pid = daemon_pid();
  if (pid == 0 || ::kill(pid, SIGKILL) != 0) return false;
  eventually("the killed daemon has gone", [pid] { return !lives(pid); });
  return true;
}

pid_t World::supervisor_pid(std::uint64_t id) const {
  const auto claim = jobs::load<jobs::ClaimRecord>(state("jobs/" + std::to_string(id) + "/claim"));
  return claim.ok() ? static_cast<pid_t>(claim->supervisor.pid) : 0;
}

}  // namespace etalon::jobs_test
