#include "jobs/job_table.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace etalon::jobs {
namespace {

class Table : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tableXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    options_.state_dir = directory_;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static SpecRecord spec(std::uint64_t n) {
    SpecRecord record;
    record.spec.argv = {"true"};
    record.spec.directory = "/";
    record.key = "key-of-a-test-" + std::to_string(100'000 + n);
    return record;
  }
  void put(std::uint64_t id, const char* name, const cbor::Value& value) const {
    const std::string job = directory_ + "/" + std::to_string(id);
    std::filesystem::create_directories(job);
    ASSERT_TRUE(write_record(job + "/" + name, value, Durable::no, Existing::keep).ok());
  }
  JobTable open() const {
    auto table = JobTable::open(directory_, options_);
    EXPECT_TRUE(table.ok());
    return std::move(*table);
  }
  std::string directory_;
  JobDaemonOptions options_;
};

TEST_F(Table, ASubmissionIsThereAfterARestartAndItsKeyGivesTheSameJob) {
  const std::uint64_t id = *open().submit(spec(1));
  JobTable again = open();
  EXPECT_EQ(*again.submit(spec(1)), id);
  EXPECT_EQ(*again.submit(spec(2)), id + 1);
  EXPECT_EQ(again.status(id)->state, JobState::queued);
  EXPECT_FALSE(again.idle());
}

TEST_F(Table, OldEndedJobsAreForgottenAndQueuedOnesNever) {
  put(1, "spec", to_cbor(spec(1)));
  for (std::uint64_t id = 2; id < kept_jobs + 12; ++id) {
    put(id, "spec", to_cbor(spec(id)));
    put(id, "result", to_cbor(ResultRecord{JobState::done, 0, "", 1.0, 0}));
  }
  JobTable table = open();
  const auto list = table.list();
  ASSERT_EQ(list.size(), kept_jobs + 1);
  EXPECT_EQ(list.front().id, 1u);
  EXPECT_EQ(list.front().state, JobState::queued);
  EXPECT_EQ(list[1].id, 12u);
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/11"));
  EXPECT_EQ(*table.submit(spec(99'999)), kept_jobs + 12);
}

TEST_F(Table, AClaimOfAnotherBootMeansARestartedMachine) {
  put(1, "spec", to_cbor(spec(1)));
  put(1, "claim", to_cbor(ClaimRecord{{1, 1, "another-boot"}}));
  JobTable table = open();
  EXPECT_EQ(table.status(1)->state, JobState::lost);
  EXPECT_NE(table.status(1)->reason.find("restarted"), std::string::npos);
  EXPECT_TRUE(table.idle());
}

TEST_F(Table, AClaimWhoseNumberIsSomebodyElsesNowIsNoSupervisor) {
  put(1, "spec", to_cbor(spec(1)));
  ProcessIdentity other = identify(::getpid());
  ++other.start;
  put(1, "claim", to_cbor(ClaimRecord{other}));
  EXPECT_EQ(open().status(1)->state, JobState::lost);
  EXPECT_EQ(open().status(1)->state, JobState::lost) << "written down";
}

TEST_F(Table, AResultCountsWhateverElseIsThere) {
  put(1, "spec", to_cbor(spec(1)));
  put(1, "claim", to_cbor(ClaimRecord{{1, 1, "another-boot"}}));
  put(1, "result", to_cbor(ResultRecord{JobState::failed, 9, "exit code 9", 1.0, 4}));
  JobTable table = open();
  EXPECT_EQ(table.status(1)->state, JobState::failed);
  EXPECT_EQ(table.status(1)->exit_code, 9);
  EXPECT_EQ(table.status(1)->suspensions, 4u);
}

TEST_F(Table, ACancelledQueuedJobCanNeverBeClaimed) {
  JobTable table = open();
  const std::uint64_t id = *table.submit(spec(1));
  ASSERT_TRUE(table.cancel(id).ok());
  EXPECT_EQ(table.status(id)->state, JobState::cancelled);
  EXPECT_EQ(open().status(id)->state, JobState::cancelled);
  const std::string claim = directory_ + "/" + std::to_string(id) + "/claim";
  EXPECT_FALSE(*write_record(claim, to_cbor(ClaimRecord{}), Durable::no, Existing::keep));
}

}  // namespace
}  // namespace etalon::jobs
