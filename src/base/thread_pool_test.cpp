#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace etalon {
namespace {

TEST(ThreadPool, ForEachRunsEveryStepOnce) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.size(), 3U);
  for (const std::size_t n : {0, 1, 2, 3, 4, 1000}) {
    std::vector<std::atomic<int>> count(n);
    pool.for_each(n, [&](std::size_t i) { count[i].fetch_add(1); });
    for (const auto& c : count) EXPECT_EQ(c.load(), 1);
  }
}

TEST(ThreadPool, LoopsMayBeNestedAndShared) {
  ThreadPool pool(2);
  std::atomic<int> sum = 0;
  pool.for_each(8, [&](std::size_t) { pool.for_each(8, [&](std::size_t) { sum.fetch_add(1); }); });
  EXPECT_EQ(sum.load(), 64);
}

TEST(ThreadPool, TheDestructorFinishesWhatWasSubmitted) {
  std::atomic<int> done = 0;
  {
    ThreadPool pool(2);
    for (int i = 0; i < 500; ++i) pool.submit([&] { done.fetch_add(1); });
  }
  EXPECT_EQ(done.load(), 500);
}

TEST(ThreadPool, ZeroMeansOnePerHardwareThread) { EXPECT_GE(ThreadPool().size(), 1U); }

}  // namespace
}  // namespace etalon
