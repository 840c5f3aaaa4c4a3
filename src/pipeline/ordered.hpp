// Work on many threads whose results are taken in the order in which the work came.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "etalon/result.hpp"

namespace etalon {

// next() gives work until it gives nothing (on a thread of its own); work(worker, item) runs on
// `threads` threads; take(result) is called on the caller's thread, in the order of next(). At most
// `slots` items are between next() and take(): that bounds the memory. An error of take() ends it
// all and is the result; an exception counts as Errc::io.
template <typename In, typename Out>
Result<void> run_ordered(unsigned threads, std::size_t slots,
                         const std::function<std::optional<In>()>& next,
                         const std::function<Out(unsigned, In)>& work,
                         const std::function<Result<void>(Out)>& take) {
  std::mutex mutex;
  std::condition_variable changed;
  std::queue<std::pair<std::uint64_t, In>> waiting;
  std::map<std::uint64_t, Out> ready;
  std::optional<Error> failure;
  std::uint64_t given = 0, taken = 0;
  bool exhausted = false;

  auto guarded = [&](auto&& body) {
    try {
      body();
    } catch (const std::exception& e) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = Error{Errc::io, std::string("pipeline: ") + e.what()};
    }
    changed.notify_all();
  };
  auto read = [&] {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return failure || given - taken < slots; });
        if (failure) break;
      }
      std::optional<In> item = next();
      const std::lock_guard lock(mutex);
      if (!item) break;
      waiting.emplace(given++, std::move(*item));
      changed.notify_all();
    }
    const std::lock_guard lock(mutex);
    exhausted = true;
  };
  auto serve = [&](unsigned worker) {
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return failure || exhausted || !waiting.empty(); });
      if (failure || waiting.empty()) return;
      auto [order, item] = std::move(waiting.front());
      waiting.pop();
      lock.unlock();
      Out out = work(worker, std::move(item));
      lock.lock();
      ready.emplace(order, std::move(out));
      changed.notify_all();
    }
  };
  auto drain = [&] {
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] {
        return failure || ready.count(taken) != 0 || (exhausted && taken == given);
      });
      if (failure || ready.count(taken) == 0) return;
      auto node = ready.extract(taken);
      lock.unlock();
      auto done = take(std::move(node.mapped()));
      lock.lock();
      ++taken;
      if (!done.ok()) failure = std::move(done).error();
      changed.notify_all();
    }
  };

  std::vector<std::thread> crew;
  guarded([&] {  // where a thread cannot be made, the others must be told and joined
    crew.reserve(std::size_t{threads} + 1);
    crew.emplace_back([&] {
      guarded(read);
      const std::lock_guard lock(mutex);
      exhausted = true;  // also when reading threw
      changed.notify_all();
    });
    for (unsigned w = 0; w < threads; ++w)
      crew.emplace_back([&, w] { guarded([&] { serve(w); }); });
  });
  guarded(drain);
  for (std::thread& thread : crew) thread.join();
  if (failure) return *failure;
  return {};
}

}  // namespace etalon
