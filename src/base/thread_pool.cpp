#include "base/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <system_error>

namespace etalon {

ThreadPool::ThreadPool(std::size_t threads) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  try {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;  // fewer do as well
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void ThreadPool::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push(std::move(task));
  }
  wake_.notify_one();
}

void ThreadPool::for_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  if (n == 0) return;
  struct Loop {
    std::atomic<std::size_t> next{0};
    std::latch done;
    const std::function<void(std::size_t)>* body;
    std::size_t n;
    Loop(std::size_t count, const std::function<void(std::size_t)>* b)
        : done(static_cast<std::ptrdiff_t>(count)), body(b), n(count) {}
    void run() {
      for (std::size_t i; (i = next.fetch_add(1)) < n;) {
        (*body)(i);
        done.count_down();
      }
    }
  };
  // Shared, because a helper may wake only after the last step is done and the caller gone.
  const auto loop = std::make_shared<Loop>(n, &body);
  for (std::size_t i = 1; i < std::min(n, threads_.size() + 1); ++i)
    submit([loop] { loop->run(); });
  loop->run();
  loop->done.wait();
}

void ThreadPool::work() {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop();
    }
    task();
  }
}

}  // namespace etalon
