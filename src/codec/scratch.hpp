// Working memory that a thread keeps between chunks: fresh pages cost as much as coding them does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "etalon/pages.hpp"

namespace etalon::codec {

// By value, unlike std::min and std::max: loops with these become vectors.
template <typename T>
constexpr T smaller(T a, T b) {
  return a < b ? a : b;
}
template <typename T>
constexpr T larger(T a, T b) {
  return a < b ? b : a;
}

// n elements that hold anything; given back to the thread when destroyed, unless large.
template <typename T>
class Scratch {
 public:
  Scratch() = default;
  explicit Scratch(std::size_t n) : n_(n) {
    // The least that is large enough: another will want the larger ones.
    auto best = kept().end();
    for (auto at = kept().begin(); at != kept().end(); ++at)
      if (at->capacity >= n && (best == kept().end() || at->capacity < best->capacity)) best = at;
    if (best == kept().end()) {
      memory_ = {page_array<T>(n), n};
    } else {
      memory_ = std::move(*best);
      if (best + 1 != kept().end()) *best = std::move(kept().back());
      kept().pop_back();
    }
  }
  ~Scratch() {
    constexpr std::size_t most_bytes = std::size_t{5} << 23;
    if (memory_.capacity == 0 || memory_.capacity * sizeof(T) > most_bytes) return;
    if (kept().size() < most_pieces) {
      kept().push_back(std::move(memory_));
    } else {
      const auto least = std::min_element(
          kept().begin(), kept().end(),
          [](const Memory& a, const Memory& b) { return a.capacity < b.capacity; });
      if (least->capacity < memory_.capacity) *least = std::move(memory_);
    }
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Scratch(Scratch&& other) noexcept
      : memory_(std::exchange(other.memory_, {})), n_(std::exchange(other.n_, 0)) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(n_, other.n_);
    return *this;
  }

  T* data() { return memory_.elements.get(); }
  T& operator[](std::size_t i) { return memory_.elements[i]; }
  const T& operator[](std::size_t i) const { return memory_.elements[i]; }
  const T* data() const { return memory_.elements.get(); }
  std::size_t size() const { return n_; }
  std::span<T> span() { return {data(), n_}; }

 private:
  struct Memory {
    PageArray<T> elements;
    std::size_t capacity = 0;
  };
  static constexpr std::size_t most_pieces = 4;
  static std::vector<Memory>& kept() {
    static thread_local std::vector<Memory> pieces = [] {
      std::vector<Memory> p;
      p.reserve(most_pieces);  // so that giving back cannot throw
      return p;
    }();
    return pieces;
  }
  Memory memory_;
  std::size_t n_ = 0;
};

}  // namespace etalon::codec
