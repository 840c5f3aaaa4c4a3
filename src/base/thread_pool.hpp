// A fixed set of threads for loops whose steps are independent of one another.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

namespace etalon {

// Thread-safe. The destructor finishes what was submitted.
class ThreadPool {
 public:
  explicit ThreadPool(std::size_t threads = 0);  // 0: one per hardware thread
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t size() const { return threads_.size(); }
  void submit(std::function<void()> task);  // the task must not throw
  // Calls body(i) for i in [0, n), in any order, on the caller's thread and the pool's; returns
  // when all are done.
  void for_each(std::size_t n, const std::function<void(std::size_t)>& body);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::queue<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace etalon
