#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "jobs/batch_files.hpp"
#include "jobs/batch_status.hpp"
#include "jobs/program.hpp"
#include "jobs/scheduler.hpp"
#include "jobs/standby.hpp"
#include "jobs/state_dir.hpp"

namespace etalon::jobs {
namespace {

using Phase = BatchState::Phase;

class Batch : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "batchXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    directory_ = root_ + "/slurm/jobs/7";
    std::filesystem::create_directories(directory_);
    SpecRecord spec;
    spec.spec.argv = {"true"};
    spec.key = std::string(32, 'k');
    put("spec", to_cbor(spec));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void put(const std::string& name, const cbor::Value& value) const {
    ASSERT_TRUE(write_record(directory_ + "/" + name, value, Durable::no, Existing::replace).ok());
  }
  BatchJobFiles files() const {
    auto job = read_batch_job(directory_, 7);
    EXPECT_TRUE(job.ok()) << job.error().message;
    return std::move(*job);
  }

  std::string root_, directory_;
};

TEST(ShellWord, IsOneWordForARealShell) {
  for (const std::string text : {"", "a b", "it's", "''", "\"$(exit 3)\"", "`exit 3`",
                                 "two\nlines\n", "\\", "*", "a;b&c|d", "\xff\x01"}) {
    const auto end = run_program({"/bin/sh", "-c", "printf '%s|' " + shell_word(text)}, {});
    ASSERT_TRUE(end.ok());
    EXPECT_EQ(end->output, text + "|");
    EXPECT_EQ(end->exit_code, 0);
  }
}

TEST(Program, SaysHowItEndedAndIsGivenATimeLimit) {
  const auto end = run_program({"sh", "-c", "echo out; echo err >&2; exit 3"}, {});
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->exit_code, 3);
  EXPECT_EQ(end->output, "out\n");
  EXPECT_EQ(end->errors, "err\n");
  EXPECT_EQ(run_program({"no-such-program-here"}, {}).error().code, Errc::missing);
  const auto endless = run_program({"sh", "-c", "head -c 17000000 /dev/zero"}, {});
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.error().message, "sh: printed more than 16 MiB");
  const auto late =
      run_program({"sh", "-c", "sleep 3600 & sleep 3600"}, {{}, std::chrono::milliseconds(100)});
  EXPECT_EQ(late.error().code, Errc::interrupted);
  EXPECT_NE(late.error().message.find("0.1"), std::string::npos) << late.error().message;
  const auto marked = run_program({"sh", "-c", "echo $MARK"}, {{"MARK=a b", "PATH=/bin"}});
  EXPECT_EQ(marked->output, "a b\n");
}

TEST(Squeue, IsReadByLine) {
  const auto jobs = parse_squeue(
      "12 PENDING Resources\n13 RUNNING None\n14 SUSPENDED None\n15 TIMEOUT TimeLimit\n"
      "16 CANCELLED None\n17 PENDING ReqNodeNotAvail, UnavailableNodes:n1\n18 COMPLETED None\n");
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ(jobs->size(), 7u);
  EXPECT_EQ(jobs->at("12").phase, Phase::pending);
  EXPECT_EQ(jobs->at("12").text, "PENDING (Resources)");
  EXPECT_EQ(jobs->at("13").phase, Phase::running);
  EXPECT_EQ(jobs->at("14").phase, Phase::suspended);
  EXPECT_EQ(jobs->at("15").phase, Phase::ended);
  EXPECT_FALSE(jobs->at("15").by_itself || jobs->at("15").cancelled);
  EXPECT_TRUE(jobs->at("16").cancelled);
  EXPECT_EQ(jobs->at("17").text, "PENDING (ReqNodeNotAvail, UnavailableNodes:n1)");
  EXPECT_TRUE(jobs->at("18").by_itself);
  for (const char* bad :
       {"12\n", " x y\n", "12 RUNNING No", "12 RUNNING None\n13 RUNN", "\n", "\xff\n",
        "slurm_load_jobs error: Unable to contact\n", "12 Running None\n", "-1 RUNNING None\n"}) {
    const auto refused = parse_squeue(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code, Errc::malformed) << bad;
  }
  EXPECT_TRUE(parse_squeue("")->empty());
}

TEST(Qstat, WhatIsNoAnswerIsRefused) {
  for (const char* bad : {"[]", "{\"Jobs\": 3}", "{\"Jobs\": {\"1.pbs\": {\"job_state\": \"R\"}",
                          "{\"Jobs\": {\"1.pbs\": 1}}", "{\"Jobs\": {\"1.pbs\": {}}}", "\xff"}) {
    const auto refused = parse_qstat(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code, Errc::malformed) << bad;
  }
  const auto odd =
      parse_qstat("{\"Jobs\": {\"1.pbs\": {\"job_state\": \"F\", \"Exit_status\": 4294967296}}}");
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ(odd->at("1.pbs").text, "F");  // and not "Exit_status 0"
  EXPECT_FALSE(odd->at("1.pbs").by_itself);
}

TEST_F(Batch, AQstatThatSaysNothingDoesNotLoseJobs) {
  const char* const path = std::getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  ASSERT_TRUE(write_script(root_ + "/qstat", "#!/bin/sh\nexit $CODE\n").ok());
  ::setenv("PATH", (root_ + ":" + before).c_str(), 1);
  const auto silent = pbs_scheduler({}, {"CODE=0"})->query({"1.pbs"});
  const auto unknown = pbs_scheduler({}, {"CODE=153"})->query({"1.pbs"});
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.error().code, Errc::malformed);
  EXPECT_EQ(silent.error().message, "qstat: printed nothing of 1.pbs");
  ASSERT_TRUE(unknown.ok()) << unknown.error().message;
  EXPECT_TRUE(unknown->empty());
}

TEST_F(Batch, AJobFolderThatIsALinkIsNotMadePrivate) {
  const std::string others = root_ + "/others";
  ASSERT_EQ(::mkdir(others.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(others.c_str(), 0755), 0);
  ASSERT_EQ(::symlink(others.c_str(), (root_ + "/jobs").c_str()), 0);
  const auto made = make_jobs_dir(root_);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().message, root_ + "/jobs: is not a directory");
  struct stat about {};
  ASSERT_EQ(::stat(others.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0755U);
}

TEST(PlainName, IsPlain) {
  EXPECT_EQ(plain_name("", 9), "job");
  EXPECT_EQ(plain_name("run7.sh", 99), "run7.sh");
  EXPECT_EQ(plain_name("-x y\n", 99), "jx_y_");
  EXPECT_EQ(plain_name("abcdef", 3), "abc");
}

TEST_F(Batch, OneOfManyGetsTheClaim) {
  std::vector<BatchClaim> winners(8);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < winners.size(); ++i)
    threads.emplace_back([&, i] {
      const auto claim = claim_batch_job(
          directory_, i % 2 == 0 ? BatchClaim{std::to_string(100 + i), 0} : BatchClaim{"", i});
      if (claim.ok()) winners[i] = *claim;
    });
  for (std::thread& thread : threads) thread.join();
  for (const BatchClaim& winner : winners) EXPECT_TRUE(winner == winners[0]);
  EXPECT_TRUE(!winners[0].holder.empty() || winners[0].moved_to != 0);
}

TEST_F(Batch, AStandByWaitsThenWithdrawsTheBatchJobForGood) {
  const StandBy standby{directory_, 1000.0};
  EXPECT_EQ(name_of(standby), "slurm job 7");
  EXPECT_EQ(look_after(standby, 3, 999.0), StandByState::waits);
  EXPECT_EQ(look_after(standby, 3, 1000.0), StandByState::runs);
  EXPECT_EQ(look_after(standby, 3, 999.0), StandByState::runs) << "asked again";
  EXPECT_EQ(look_after(standby, 4, 2000.0), StandByState::is_over) << "another local job";
  const auto claim = claim_batch_job(directory_, {"12", 0});
  ASSERT_TRUE(claim.ok());
  EXPECT_TRUE(claim->holder.empty()) << "the batch job comes too late";
  const JobStatus status = describe(files(), nullptr, "slurm");
  EXPECT_EQ(status.state, JobState::cancelled);
  EXPECT_EQ(status.moved_to, 3u);
}

TEST_F(Batch, AStandByIsOverOnceTheBatchJobHasStartedOrIsGone) {
  const StandBy standby{directory_, 1000.0};
  ASSERT_TRUE(claim_batch_job(directory_, {"12", 0}).ok());
  EXPECT_EQ(look_after(standby, 3, 2000.0), StandByState::is_over);
  std::filesystem::remove_all(directory_);
  EXPECT_EQ(look_after(standby, 3, 2000.0), StandByState::is_over);
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(Batch, AnEndWithoutAResultIsConcluded) {
  ASSERT_TRUE(claim_batch_job(directory_, {"12", 0}).ok());
  const BatchState timeout{Phase::ended, false, false, "TIMEOUT (TimeLimit)"};
  EXPECT_EQ(conclude(files(), nullptr, "slurm").state, JobState::lost);
  ResultRecord end = conclude(files(), &timeout, "slurm");
  EXPECT_EQ(end.state, JobState::failed);
  EXPECT_NE(end.reason.find("TIMEOUT"), std::string::npos);
  EXPECT_NE(end.exit_code, 0);

  // It was told to end, and did: why is the scheduler's to say.
  put("stopped", to_cbor(ResultRecord{JobState::failed, 143, "ended by signal 15", 5.0, 2, 1, 1}));
  end = conclude(files(), &timeout, "slurm");
  EXPECT_EQ(end.state, JobState::failed);
  EXPECT_EQ(end.exit_code, 143);
  EXPECT_EQ(end.ended_s, 5.0);
  EXPECT_EQ(end.suspensions, 2u);
  const BatchState cancelled{Phase::ended, true, false, "CANCELLED"};
  EXPECT_EQ(conclude(files(), &cancelled, "slurm").state, JobState::cancelled);
  EXPECT_EQ(conclude(files(), nullptr, "slurm").state, JobState::failed);

  // The end of its allocation is no cancellation by somebody, unless somebody asked.
  put("batch", to_cbor(BatchRecord{"slurm", "12", true}));
  EXPECT_EQ(conclude(files(), &cancelled, "slurm").state, JobState::failed);
  put("cancel", to_cbor(BatchRecord{}));
  EXPECT_EQ(conclude(files(), &cancelled, "slurm").state, JobState::cancelled);
}

}  // namespace
}  // namespace etalon::jobs
