#include "jobs/process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace etalon::jobs {
namespace {

TEST(Process, StatLinesAreReadWhateverTheNameHolds) {
  const auto stat = parse_process_stat(
      "77 (a) b (c) S 5 66 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1 2 3");
  EXPECT_EQ(stat.pid, 77);
  EXPECT_EQ(stat.state, 'S');
  EXPECT_EQ(stat.parent, 5);
  EXPECT_EQ(stat.group, 66);
  EXPECT_EQ(stat.start, 123456u);
  for (const char* bad : {"", "77", "77 (a", "77 (a) S 5", ")))))", "77 (a)"})
    EXPECT_EQ(parse_process_stat(bad).state, 'X') << bad;
}

TEST(Process, AHandleIsForTheVeryProcessMeant) {
  ProcessIdentity self = identify(::getpid());
  EXPECT_GT(self.start, 0u);
  EXPECT_TRUE(open_process(self).valid());
  ProcessIdentity earlier = self;
  --earlier.start;
  EXPECT_FALSE(open_process(earlier).valid()) << "a number used again";
  ProcessIdentity other_boot = self;
  other_boot.boot = "0";
  EXPECT_FALSE(open_process(other_boot).valid());
  EXPECT_FALSE(open_process({}).valid());
}

TEST(Process, ItsEndIsSeenThroughTheHandleAndByDescent) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const Fd handle = open_process(identify(child));
  ASSERT_TRUE(handle.valid());
  bool found = false;
  for (const ProcessStat& process : descendants(::getpid())) found |= process.pid == child;
  EXPECT_TRUE(found);
  ProcessStat other = process_stat(child);
  ++other.start;
  signal_process(other, SIGKILL);  // not this one
  EXPECT_TRUE(open_process(identify(child)).valid());
  signal_process(process_stat(child), SIGKILL);
  pollfd wait{handle.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 60'000), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(send_order(handle, Order::resume));
  EXPECT_EQ(process_stat(child).state, 'X');
}

TEST(Process, MarksAreWholeEnvironmentEntries) {
  const pid_t child = ::fork();
  if (child == 0) {
    char* const argv[] = {const_cast<char*>("sleep"), const_cast<char*>("600"), nullptr};
    char* const environment[] = {const_cast<char*>("A=1"), const_cast<char*>("MARK=abcdef"),
                                 nullptr};
    ::execve("/bin/sleep", argv, environment);
    ::_exit(1);
  }
  while (processes_marked("MARK=abcdef").empty() && process_stat(child).state != 'Z')
    ::usleep(1000);
  ASSERT_EQ(processes_marked("MARK=abcdef").size(), 1u);
  EXPECT_EQ(processes_marked("MARK=abcdef")[0].pid, child);
  EXPECT_TRUE(processes_marked("MARK=abcde").empty());
  EXPECT_TRUE(processes_marked("ARK=abcdef").empty());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace etalon::jobs
