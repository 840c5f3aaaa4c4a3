#include "pipeline/ordered.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <stdexcept>

namespace etalon {
namespace {

struct Trial {
  std::vector<int> taken;
  Result<void> result;
  int most_in_flight = 0;
};

Trial run(unsigned threads, std::size_t slots, int n, int fail_at = -1) {
  Trial out;
  int given = 0;
  std::atomic<int> in_flight{0}, most{0};
  out.result = run_ordered<int, int>(
      threads, slots,
      [&]() -> std::optional<int> {
        if (given == n) return {};
        const int now = ++in_flight;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        return given++;
      },
      [](unsigned, int i) {  // later ones are often done first
        std::this_thread::sleep_for(std::chrono::microseconds((i * 7919) % 500));
        return i * i;
      },
      [&](int square) -> Result<void> {
        --in_flight;
        if (static_cast<int>(out.taken.size()) == fail_at) return Error{Errc::check, "enough"};
        out.taken.push_back(square);
        return {};
      });
  out.most_in_flight = most;
  return out;
}

TEST(Ordered, ResultsComeInOrderForAnyNumberOfThreads) {
  std::vector<int> squares(200);
  for (int i = 0; i < 200; ++i) squares[i] = i * i;
  for (unsigned threads : {1u, 2u, 5u}) {
    const Trial r = run(threads, 2 * threads + 2, 200);
    EXPECT_TRUE(r.result.ok());
    EXPECT_EQ(r.taken, squares) << threads;
    EXPECT_LE(r.most_in_flight, static_cast<int>(2 * threads + 3));
  }
}

TEST(Ordered, NothingIsNothing) {
  const Trial r = run(2, 4, 0);
  EXPECT_TRUE(r.result.ok());
  EXPECT_TRUE(r.taken.empty());
}

TEST(Ordered, AnErrorEndsItAll) {
  const Trial r = run(3, 8, 100000, 17);
  ASSERT_FALSE(r.result.ok());
  EXPECT_EQ(r.result.error().message, "enough");
  EXPECT_EQ(r.taken.size(), 17u);
}

TEST(Ordered, AnExceptionIsAnError) {
  int i = 0;
  auto result = run_ordered<int, int>(
      2, 4, [&]() -> std::optional<int> { return i++; },
      [](unsigned, int n) -> int {
        if (n == 9) throw std::runtime_error("no memory");
        return n;
      },
      [](int) { return Result<void>(); });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::io);
}

TEST(Ordered, AnExceptionWhileReadingIsAnError) {
  auto result = run_ordered<int, int>(
      2, 4, []() -> std::optional<int> { throw std::runtime_error("no memory"); },
      [](unsigned, int n) { return n; }, [](int) { return Result<void>(); });
  EXPECT_FALSE(result.ok());
}

TEST(Ordered, ThreadsThatCannotBeMadeAreAnError) {
  const auto starve = [] {
    const rlim_t little = rlim_t{256} << 20;  // of address space: room for some stacks, not for all
    const rlimit limit{little, little};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(2);
    int given = 0;
    const auto done = run_ordered<int, int>(
        1000, 8,
        [&]() -> std::optional<int> { return given < 100 ? std::optional(given++) : std::nullopt; },
        [](unsigned, int x) { return x; }, [](int) { return Result<void>(); });
    std::_Exit(!done.ok() && done.error().code == Errc::io ? 0 : 1);
  };
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  if (pages > (std::size_t{1} << 30) / 4096)
    GTEST_SKIP() << "sanitizers need more address space than this leaves";
  EXPECT_EXIT(starve(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace etalon
