// Memory for large pieces. The first touch of every page costs time: for small pages, on some
// machines, more than coding what the page holds. Pieces of 4 MiB and more ask for huge pages.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>

#pragma GCC visibility push(default)
namespace etalon {

// Holds anything; throws std::bad_alloc.
void* allocate_pages(std::size_t bytes);
void free_pages(void* memory) noexcept;

// For std::vector.
template <typename T>
struct PageAllocator {
  using value_type = T;

  PageAllocator() = default;
  template <typename U>
  PageAllocator(const PageAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    if (n > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(allocate_pages(n * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) noexcept { free_pages(memory); }
  friend bool operator==(const PageAllocator&, const PageAllocator&) { return true; }
};

// n elements that hold anything.
struct FreePages {
  void operator()(void* memory) const noexcept { free_pages(memory); }
};
template <typename T>
using PageArray = std::unique_ptr<T[], FreePages>;
template <typename T>
PageArray<T> page_array(std::size_t n) {
  static_assert(std::is_trivially_default_constructible_v<T>);
  return PageArray<T>(PageAllocator<T>().allocate(n));
}

}  // namespace etalon
#pragma GCC visibility pop
