// Threads for loops whose steps write to places of their own, so that their number changes no bit.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <thread>

#include "base/thread_pool.hpp"

namespace etalon {

class Workers {
 public:
  explicit Workers(unsigned threads) {  // 0: one per processor
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    if (threads > 1) pool_.emplace(threads - 1);  // the caller's is one more
  }
  // body(i) for i in [0, n), in any order.
  void for_each(std::size_t n, const std::function<void(std::size_t)>& body) {
    if (pool_) return pool_->for_each(n, body);
    for (std::size_t i = 0; i < n; ++i) body(i);
  }

 private:
  std::optional<ThreadPool> pool_;
};

}  // namespace etalon
