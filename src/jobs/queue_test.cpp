#include "jobs/queue.hpp"

#include <gtest/gtest.h>

namespace etalon::jobs {
namespace {

using Ids = std::vector<std::uint64_t>;

QueueEntry waiting(std::uint64_t id, bool urgent) { return {id, urgent, false, false}; }
QueueEntry running(std::uint64_t id, bool urgent) { return {id, urgent, true, false}; }
QueueEntry suspended(std::uint64_t id) { return {id, false, true, true}; }

TEST(Queue, BackgroundJobsStartInOrderWhileSlotsLast) {
  const auto orders = schedule({waiting(1, false), waiting(2, false), waiting(3, false)}, {2, 4});
  EXPECT_EQ(orders.start, (Ids{1, 2}));
  EXPECT_TRUE(orders.suspend.empty() && orders.resume.empty());
}

TEST(Queue, AnUrgentJobSuspendsAllBackgroundJobsAndStarts) {
  const auto orders =
      schedule({running(1, false), running(2, false), waiting(3, false), waiting(4, true)}, {3, 4});
  EXPECT_EQ(orders.suspend, (Ids{1, 2}));
  EXPECT_EQ(orders.start, (Ids{4}));
  EXPECT_TRUE(orders.resume.empty());
}

TEST(Queue, UrgentJobsStartInOrderWhileTheirSlotsLast) {
  const auto orders =
      schedule({running(1, true), waiting(2, true), waiting(3, true), suspended(4)}, {1, 2});
  EXPECT_EQ(orders.start, (Ids{2}));
  EXPECT_TRUE(orders.suspend.empty() && orders.resume.empty());
}

TEST(Queue, NothingIsOrderedTwice) {
  const auto orders = schedule({suspended(1), running(2, true)}, {1, 1});
  EXPECT_TRUE(orders.start.empty() && orders.suspend.empty() && orders.resume.empty());
}

TEST(Queue, WithoutDemandSuspendedJobsResumeAndKeepTheirSlots) {
  const auto orders = schedule({suspended(1), waiting(2, false), waiting(3, false)}, {2, 1});
  EXPECT_EQ(orders.resume, (Ids{1}));
  EXPECT_EQ(orders.start, (Ids{2}));
}

TEST(Queue, AnUrgentJobThatWaitsKeepsBackgroundJobsSuspended) {
  const auto orders = schedule({suspended(1), waiting(2, true), waiting(3, false)}, {2, 0});
  EXPECT_TRUE(orders.start.empty() && orders.suspend.empty() && orders.resume.empty());
}

}  // namespace
}  // namespace etalon::jobs
