// What is promised when daemon, supervisors, files or callers go wrong.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "jobs/wire.hpp"
#include "roles.hpp"
#include "world.hpp"

namespace etalon::jobs_test {
namespace {

namespace fs = std::filesystem;
using Daemon = World;

// The daemon dies while the background job is suspended and the urgent one runs; the urgent one
// ends without a daemon; then the background job must go on.
void die_while_suspended(const std::function<void()>& kill, const std::function<void()>& end_urgent,
                         const std::function<bool()>& goes_on) {
  kill();
  end_urgent();
  eventually("the suspended job goes on", goes_on);
}

TEST_F(Daemon, KilledWhileAJobIsSuspendedIsReplacedWithoutACaller) {
  const std::uint64_t background = submit(part({"count", file("counter"), "1000"}));
  eventually("it counts", [&] { return !content(file("counter")).empty(); });
  const std::uint64_t urgent = submit(part({"until", file("go")}, true));
  wait_for_state(background, JobState::suspended);
  wait_for_state(urgent, JobState::running);
  const std::string stopped_at = content(file("counter"));
  die_while_suspended([&] { ASSERT_TRUE(kill_daemon()); }, [&] { touch(file("go")); },
                      [&] { return content(file("counter")) != stopped_at; });
  const JobStatus job = ended(background);
  EXPECT_EQ(job.state, JobState::done);
  EXPECT_EQ(content(job.output), std::to_string(chain(1000)) + "\n");
  EXPECT_EQ(ended(urgent).state, JobState::done);
}

TEST_F(Daemon, KilledAndNotReplacedIsReplacedByTheNextCaller) {
  ::setenv("ETALON", file("not-there").c_str(), 1);  // what supervisors would start
  const std::uint64_t background = submit(part({"count", file("counter"), "1000"}));
  eventually("it counts", [&] { return !content(file("counter")).empty(); });
  const std::uint64_t urgent = submit(part({"until", file("go")}, true));
  wait_for_state(background, JobState::suspended);
  const std::string stopped_at = content(file("counter"));
  const pid_t supervisor = supervisor_pid(urgent);
  die_while_suspended([&] { ASSERT_TRUE(kill_daemon()); },
                      [&] {
                        touch(file("go"));
                        eventually("the urgent job has ended", [&] { return !lives(supervisor); });
                        EXPECT_EQ(daemon_pid(), 0);
                        EXPECT_EQ(content(file("counter")), stopped_at);
                        EXPECT_TRUE(runner()->list().ok());
                      },
                      [&] { return content(file("counter")) != stopped_at; });
  EXPECT_EQ(content(ended(background).output), std::to_string(chain(1000)) + "\n");
  EXPECT_EQ(ended(urgent).state, JobState::done);
}

TEST_F(Daemon, KilledWhileUrgentWorkGoesOnKeepsBackgroundSuspended) {
  const std::uint64_t background = submit(part({"until", file("end")}));
  wait_for_state(background, JobState::running);
  const std::uint64_t urgent = submit(part({"until", file("go")}, true));
  wait_for_state(background, JobState::suspended);
  wait_for_state(urgent, JobState::running);
  ASSERT_TRUE(kill_daemon());
  EXPECT_EQ(runner()->status(background)->state, JobState::suspended);
  EXPECT_EQ(runner()->status(urgent)->state, JobState::running);
  touch(file("go"));
  wait_for_state(background, JobState::running);
  touch(file("end"));
  EXPECT_EQ(ended(background).state, JobState::done);
}

TEST_F(Daemon, KilledAtRandomMomentsLosesNothingAndRunsNothingTwice) {
  constexpr int wanted_kills = 25;
  std::atomic<int> kills{0};
  std::thread killer([&] {  // also in the middle of a submission
    std::mt19937 random(11);
    while (kills < wanted_kills) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
      kills += kill_daemon();
    }
  });
  std::mt19937 random(7);
  std::vector<std::uint64_t> once, count;
  for (int round = 0; kills < wanted_kills || round < 40; ++round) {
    const bool urgent = random() % 3 == 0;
    if (round % 8 == 0)
      count.push_back(
          submit(part({"count", file(std::to_string(round) + ".counter"), "60"}, urgent)));
    else
      once.push_back(submit(part({"once", file("ran")}, urgent)));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
  }
  killer.join();
  for (const std::uint64_t id : once) EXPECT_EQ(ended(id).state, JobState::done) << id;
  for (const std::uint64_t id : count) {
    const JobStatus job = ended(id);
    EXPECT_EQ(job.state, JobState::done) << job.reason;
    EXPECT_EQ(content(job.output), std::to_string(chain(60)) + "\n") << id;
  }
  std::multiset<std::string> ran;
  for (const std::string& line : lines(file("ran"))) ran.insert(line);
  std::multiset<std::string> wanted;
  for (const std::uint64_t id : once) wanted.insert(std::to_string(id));
  EXPECT_EQ(ran, wanted);
  EXPECT_EQ(runner()->list()->size(), once.size() + count.size());
}

TEST_F(Daemon, ManyCallersAtOnceStartOneDaemon) {
  constexpr int callers = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < callers; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(submit(part({"once", file("ran")})) > 0 ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto jobs = runner()->list();
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ(jobs->size(), static_cast<std::size_t>(callers));
  for (const JobStatus& job : *jobs) EXPECT_EQ(ended(job.id).state, JobState::done);
  EXPECT_EQ(lines(file("ran")).size(), static_cast<std::size_t>(callers));
  const auto daemons = [&] {
    int n = 0;
    for (const auto& process : jobs::processes_marked("JOBS_TEST=" + directory_))
      n += content("/proc/" + std::to_string(process.pid) + "/cmdline").find("job-daemon") !=
           std::string::npos;
    return n;
  };
  eventually("losers of the race have gone", [&] { return daemons() == 1; });
  EXPECT_NE(daemon_pid(), 0);
}

TEST_F(Daemon, ASecondOneRefusesToRun) {
  submit(part({"until", file("never")}));
  JobDaemonOptions options;
  options.state_dir = file("state");
  options.detach = false;
  const auto second = run_job_daemon(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Errc::usage);
  EXPECT_NE(second.error().message.find("runs already"), std::string::npos);
}

TEST_F(Daemon, ASupervisorThatVanishesMakesItsJobLostAndEndsIt) {
  const std::uint64_t id = submit(part({"family", file("pids")}));
  const std::uint64_t next = submit(part({"once", file("ran")}));
  eventually("the family is there", [&] { return lines(file("pids")).size() == 2; });
  ASSERT_EQ(::kill(supervisor_pid(id), SIGKILL), 0);
  const JobStatus job = ended(id);
  EXPECT_EQ(job.state, JobState::lost);
  EXPECT_NE(job.reason.find("supervisor was killed"), std::string::npos);
  for (const std::string& pid : lines(file("pids")))
    eventually("what was left has ended", [&] { return !lives(std::stoi(pid)); });
  EXPECT_EQ(ended(next).state, JobState::done) << "the queue goes on";
  ASSERT_TRUE(kill_daemon());
  EXPECT_EQ(runner()->status(id)->state, JobState::lost);
}

TEST_F(Daemon, DamagedFilesCostTheirJobsOnly) {
  const std::uint64_t good = submit(part({"once", file("ran")}));
  const std::uint64_t bad_result = submit(part({"once", file("ran")}));
  ended(good);
  ended(bad_result);
  ASSERT_TRUE(stop_local_daemon({file("state"), ""}).ok());
  eventually("it has ended", [&] { return daemon_pid() == 0; });
  const auto damage = [&](std::uint64_t id, const std::string& name, const std::string& text) {
    std::ofstream(state("jobs/" + std::to_string(id) + "/" + name)) << text;
  };
  damage(bad_result, "result", "EJR1 something else entirely");
  fs::create_directory(state("jobs/77"));
  damage(77, "spec", "");
  fs::create_directory(state("jobs/78"));  // a submission that was never acknowledged
  fs::create_directory(state("jobs/junk"));
  touch(state("jobs/007"));
  const auto jobs = runner()->list();
  ASSERT_TRUE(jobs.ok()) << jobs.error().message;
  ASSERT_EQ(jobs->size(), 3u);
  EXPECT_EQ((*jobs)[0].state, JobState::done);
  EXPECT_EQ((*jobs)[1].state, JobState::lost);
  EXPECT_NE((*jobs)[1].reason.find("result"), std::string::npos);
  EXPECT_EQ((*jobs)[2].id, 77u);
  EXPECT_EQ((*jobs)[2].state, JobState::lost);
  EXPECT_GT(submit(part({"once", file("ran")})), 77u);
}

TEST_F(Daemon, HostileMessagesAreAnsweredOrCutOffAndHarmNobody) {
  ended(submit(part({"once", file("ran")})));
  const pid_t before = daemon_pid();
  std::mt19937 random(3);
  const Bytes good = jobs::pack_message(to_cbor(jobs::Request{}));
  for (int i = 0; i < 300; ++i) {
    auto socket = jobs::connect_in(state("jobs"));
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    Bytes message = good;
    for (unsigned flips = random() % 4 + 1; flips > 0; --flips)
      message[random() % message.size()] = static_cast<std::byte>(random());
    if (random() % 3 == 0) message.resize(random() % message.size());
    (void)!::send(socket->get(), message.data(), message.size(), MSG_NOSIGNAL);
    if (random() % 2 == 0) continue;  // hangs up
    ::shutdown(socket->get(), SHUT_WR);
    char reply[256];
    while (::recv(socket->get(), reply, sizeof reply, 0) > 0) {
    }
  }
  EXPECT_TRUE(runner()->list().ok());
  EXPECT_EQ(daemon_pid(), before);
}

TEST_F(Daemon, SilentCallersDoNotKeepOthersOut) {
  ended(submit(part({"once", file("ran")})));
  std::vector<Fd> silent;
  for (int i = 0; i < 400; ++i) {
    auto socket = jobs::connect_in(state("jobs"));
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    silent.push_back(std::move(*socket));
  }
  EXPECT_EQ(ended(submit(part({"once", file("ran")}))).state, JobState::done);
}

TEST_F(Daemon, WhatADeadOneLeftDoesNotMatter) {
  fs::create_directories(state("jobs"));
  touch(state("jobs/socket"));
  std::ofstream(state("jobs/lock")) << "1\n";  // a number that lives, and is not ours
  EXPECT_EQ(ended(submit(part({"once", file("ran")}))).state, JobState::done);
  ASSERT_TRUE(kill_daemon());
  ASSERT_TRUE(fs::is_socket(state("jobs/socket")));  // stale
  EXPECT_EQ(ended(submit(part({"once", file("ran")}))).state, JobState::done);
}

TEST_F(Daemon, EndsWhenIdleOrWhenItsStateIsGone) {
  ::setenv("ETALON_DAEMON_IDLE", "1", 1);
  ended(submit(part({"once", file("ran")})));
  eventually("it ended when idle", [&] { return daemon_pid() == 0; });
  EXPECT_FALSE(fs::exists(state("jobs/socket")));
  ::setenv("ETALON_DAEMON_IDLE", "100000", 1);
  EXPECT_EQ(ended(submit(part({"once", file("ran")}))).id, 2u);
  const pid_t pid = daemon_pid();
  ASSERT_NE(pid, 0);
  fs::remove_all(file("state"));
  eventually("it ended when its files were gone", [&] { return !lives(pid); });
}

TEST_F(Daemon, WhyItCannotStartIsSaid) {
  touch(file("plain"));
  const auto under_a_file = local_runner({file("plain") + "/state", "/proc/self/exe"});
  ASSERT_FALSE(under_a_file.ok());
  EXPECT_EQ(under_a_file.error().code, Errc::io);
  EXPECT_NE(under_a_file.error().message.find(file("plain")), std::string::npos);

  const auto absent = local_runner({file("state"), file("no-etalon")});
  ASSERT_TRUE(absent.ok());
  EXPECT_EQ((*absent)->list().error().code, Errc::missing);

  ::setenv("ETALON_SLOTS", "many", 1);
  const auto slots = local_runner({file("state"), "/proc/self/exe"});
  ASSERT_FALSE(slots.ok());
  EXPECT_EQ(slots.error().code, Errc::usage);
  EXPECT_NE(slots.error().message.find("ETALON_SLOTS"), std::string::npos);
  ::unsetenv("ETALON_SLOTS");
}

TEST_F(Daemon, ASubmissionThatCannotBeWrittenDownIsRefusedAndLeavesNothing) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit small{32, 32};  // bytes a file: enough for the lock, not for a spec
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(2);
    const auto id = runner()->submit(part({"once", file("ran")}));
    ::_exit(!id.ok() && id.error().code == Errc::io &&
                    id.error().message.find("spec") != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const auto jobs = runner()->list();
  ASSERT_TRUE(jobs.ok());
  EXPECT_TRUE(jobs->empty());
  EXPECT_FALSE(fs::exists(state("jobs/1")));
  ASSERT_TRUE(stop_local_daemon({file("state"), ""}).ok());
  eventually("the one with the limit has ended", [&] { return daemon_pid() == 0; });
  EXPECT_EQ(ended(submit(part({"once", file("ran")}))).state, JobState::done);
}

TEST_F(Daemon, StateDirectoriesMayHaveLongNamesAndAreMadePrivate) {
  fs::create_directories(state("jobs"));
  fs::permissions(state("jobs"), fs::perms::all);
  EXPECT_TRUE(runner()->list().ok());
  EXPECT_EQ(fs::status(state("jobs")).permissions(), fs::perms::owner_all);
  const std::string deep = file(std::string(120, 'd') + "/" + std::string(120, 'e'));
  auto local = local_runner({deep, "/proc/self/exe"});
  ASSERT_TRUE(local.ok()) << local.error().message;
  EXPECT_TRUE((*local)->list().ok());
  EXPECT_TRUE(stop_local_daemon({deep, ""}).ok());
}

}  // namespace
}  // namespace etalon::jobs_test
