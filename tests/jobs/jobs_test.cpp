// What a user of the queue is promised, with nothing going wrong but the jobs themselves.
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "roles.hpp"
#include "world.hpp"

namespace etalon::jobs_test {
namespace {

using Jobs = World;

TEST_F(Jobs, AJobRunsWithTheSubmittersDirectoryEnvironmentAndMask) {
  const mode_t before = ::umask(027);
  ::setenv("FROM_SUBMITTER", "here", 1);
  JobSpec spec;
  spec.argv = {"sh", "-c",
               "pwd; umask; echo \"$FROM_SUBMITTER $ADDED $1\"; cat; echo err >&2; exit 3", "sh",
               "a  b\n$HOME"};
  spec.environment = {{"ADDED", "too"}};
  spec.directory = directory_;
  const JobStatus job = ended(submit(spec));
  ::umask(before);
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.exit_code, 3);
  EXPECT_EQ(job.reason, "exit code 3");
  EXPECT_EQ(job.spec.name, "sh");
  EXPECT_EQ(content(job.output), std::filesystem::canonical(directory_).string() +
                                     "\n0027\nhere too a  b\n$HOME\nerr\n");
  EXPECT_GT(job.started_s, 0);
  EXPECT_GE(job.ended_s, job.started_s);
  EXPECT_GT(job.latency_s, 0);
}

TEST_F(Jobs, OutputAndErrorsApart) {
  JobSpec spec;
  spec.argv = {"sh", "-c", "echo one; echo two >&2; echo three"};
  spec.split_output = true;
  const JobStatus job = ended(submit(spec));
  EXPECT_EQ(job.state, JobState::done);
  EXPECT_EQ(content(job.output), "one\nthree\n");
  EXPECT_EQ(content(job.errors), "two\n");
}

TEST_F(Jobs, WhatCannotRunSaysWhy) {
  JobSpec spec;
  spec.argv = {"no-such-command-here"};
  JobStatus job = ended(submit(spec));
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.exit_code, 127);
  EXPECT_EQ(job.reason, "no-such-command-here: no such command");
  EXPECT_EQ(job.started_s, 0);

  spec.argv = {directory_};
  job = ended(submit(spec));
  EXPECT_EQ(job.exit_code, 126);
  EXPECT_NE(job.reason.find("cannot run"), std::string::npos);

  spec.argv = {"true"};
  spec.directory = file("nowhere");
  job = ended(submit(spec));
  EXPECT_EQ(job.exit_code, 126);
  EXPECT_NE(job.reason.find(file("nowhere")), std::string::npos);

  job = ended(submit(part({"signal", "9"})));
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.exit_code, 128 + 9);
  EXPECT_NE(job.reason.find("signal 9"), std::string::npos);
}

TEST_F(Jobs, SenselessOnesAreRefused) {
  const auto local = runner();
  EXPECT_EQ(local->submit({}).error().code, Errc::usage);
  JobSpec spec;
  spec.argv = {"x", std::string("a\0b", 3)};
  EXPECT_EQ(local->submit(spec).error().code, Errc::usage);
  spec.argv = {"x"};
  spec.environment = {{"A=B", "c"}};
  EXPECT_EQ(local->submit(spec).error().code, Errc::usage);
  spec.environment = {{"A", std::string(5u << 20, 'a')}};
  EXPECT_EQ(local->submit(spec).error().code, Errc::usage);
  EXPECT_EQ(local->status(99).error().code, Errc::missing);
  EXPECT_EQ(local->cancel(99).error().code, Errc::missing);
}

TEST_F(Jobs, AnUrgentJobStopsTheBackgroundJobWhichThenEndsAsIfUndisturbed) {
  const std::uint64_t background = submit(part({"count", file("counter"), "1500"}));
  eventually("the background job counts", [&] { return !content(file("counter")).empty(); });
  const JobStatus urgent = ended(submit(part({"observe", file("counter")}, true)));
  EXPECT_EQ(urgent.state, JobState::done) << content(urgent.output);
  const auto seen = lines(urgent.output);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], seen[1]) << "it counted while the urgent job ran";

  const JobStatus job = ended(background);
  EXPECT_EQ(job.state, JobState::done);
  EXPECT_EQ(job.suspensions, 1u);
  EXPECT_EQ(content(job.output), std::to_string(chain(1500)) + "\n");
  EXPECT_NE(lines(file("counter")).at(0), seen[0]) << "it never went on";
}

TEST_F(Jobs, AProcessInASessionOfItsOwnIsSuspendedToo) {
  JobSpec spec = part({"count", file("counter"), "1500"});
  spec.argv.insert(spec.argv.begin(), {"setsid", "--wait"});
  const std::uint64_t background = submit(spec);
  eventually("the background job counts", [&] { return !content(file("counter")).empty(); });
  const JobStatus urgent = ended(submit(part({"observe", file("counter")}, true)));
  const auto seen = lines(urgent.output);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(content(ended(background).output), std::to_string(chain(1500)) + "\n");
}

TEST_F(Jobs, BackgroundJobsTakeTurnsAndSlotsAreCounted) {
  ::setenv("ETALON_SLOTS", "2", 1);
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 3; ++i)
    ids.push_back(submit(part({"until", file("go" + std::to_string(i))})));
  wait_for_state(ids[0], JobState::running);
  wait_for_state(ids[1], JobState::running);
  EXPECT_EQ(runner()->status(ids[2])->state, JobState::queued);
  touch(file("go1"));
  wait_for_state(ids[2], JobState::running);
  EXPECT_EQ(runner()->status(ids[0])->state, JobState::running);
  touch(file("go0"));
  touch(file("go2"));
  for (const std::uint64_t id : ids) EXPECT_EQ(ended(id).state, JobState::done);
}

TEST_F(Jobs, UrgentJobsRunTogetherUpToTheirLimitAndBackgroundWaitsForAll) {
  ::setenv("ETALON_URGENT_SLOTS", "2", 1);
  const std::uint64_t background = submit(part({"until", file("end")}));
  wait_for_state(background, JobState::running);
  std::vector<std::uint64_t> urgent;
  for (int i = 0; i < 3; ++i)
    urgent.push_back(submit(part({"until", file("go" + std::to_string(i))}, true)));
  wait_for_state(urgent[0], JobState::running);
  wait_for_state(urgent[1], JobState::running);
  wait_for_state(background, JobState::suspended);
  EXPECT_EQ(runner()->status(urgent[2])->state, JobState::queued);
  touch(file("go0"));
  wait_for_state(urgent[2], JobState::running);
  touch(file("go1"));
  ended(urgent[1]);
  EXPECT_EQ(runner()->status(background)->state, JobState::suspended);
  touch(file("go2"));
  wait_for_state(background, JobState::running);
  touch(file("end"));
  EXPECT_EQ(ended(background).state, JobState::done);
  EXPECT_EQ(ended(background).suspensions, 1u);
}

TEST_F(Jobs, SurvivesTheSubmittersTerminalAndShell) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  int terminal = -1;
  const pid_t shell = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (shell == 0) {
    const std::uint64_t id = submit(part({"count", file("counter"), "300"}));
    if (::write(ends[1], &id, sizeof id) != sizeof id) ::_exit(1);
    while (true) ::pause();
  }
  std::uint64_t id = 0;
  ASSERT_EQ(::read(ends[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
  eventually("the job runs", [&] { return !content(file("counter")).empty(); });
  ::close(terminal);  // SIGHUP to everything in the terminal's session
  ::kill(-shell, SIGKILL);
  ::waitpid(shell, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  const JobStatus job = ended(id);
  EXPECT_EQ(job.state, JobState::done);
  EXPECT_EQ(content(job.output), std::to_string(chain(300)) + "\n");
}

TEST_F(Jobs, CancelLeavesNothingBehind) {
  const std::uint64_t id = submit(part({"family", file("pids")}));
  eventually("the family is there", [&] { return lines(file("pids")).size() == 2; });
  ASSERT_TRUE(runner()->cancel(id).ok());
  const JobStatus job = ended(id);
  EXPECT_EQ(job.state, JobState::cancelled);
  for (const std::string& pid : lines(file("pids"))) EXPECT_FALSE(lives(std::stoi(pid))) << pid;
  EXPECT_TRUE(runner()->cancel(id).ok()) << "of an ended job";
  EXPECT_EQ(runner()->status(id)->state, JobState::cancelled);
}

TEST_F(Jobs, AnEndedJobLeavesNothingBehindEither) {
  const JobStatus job = ended(submit(part({"leave", file("pids")})));
  EXPECT_EQ(job.state, JobState::done);
  ASSERT_EQ(lines(file("pids")).size(), 2u);
  for (const std::string& pid : lines(file("pids"))) EXPECT_FALSE(lives(std::stoi(pid))) << pid;
}

TEST_F(Jobs, QueuedAndSuspendedJobsCanBeCancelled) {
  const std::uint64_t first = submit(part({"until", file("never")}));
  const std::uint64_t queued = submit(part({"once", file("ran")}));
  wait_for_state(first, JobState::running);
  const std::uint64_t urgent = submit(part({"until", file("never")}, true));
  wait_for_state(first, JobState::suspended);
  ASSERT_TRUE(runner()->cancel(queued).ok());
  EXPECT_EQ(ended(queued).state, JobState::cancelled);
  ASSERT_TRUE(runner()->cancel(first).ok());
  EXPECT_EQ(ended(first).state, JobState::cancelled);
  ASSERT_TRUE(runner()->cancel(urgent).ok());
  EXPECT_EQ(ended(urgent).state, JobState::cancelled);
  EXPECT_EQ(ended(submit(part({"once", file("ran")}))).state, JobState::done);
  EXPECT_EQ(lines(file("ran")).size(), 1u) << "the cancelled job ran";
}

}  // namespace
}  // namespace etalon::jobs_test
