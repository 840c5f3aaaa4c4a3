#include "etalon/pages.hpp"

#include <sys/mman.h>

#include <cstdlib>

namespace etalon {
namespace {

constexpr std::size_t huge_page = std::size_t{1} << 21, large = 2 * huge_page;

}  // namespace

void* allocate_pages(std::size_t bytes) {
  if (bytes < large) {
    void* const memory = std::malloc(bytes + (bytes == 0));
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  const std::size_t whole = (bytes + huge_page - 1) / huge_page * huge_page;
  void* const memory = whole < bytes ? nullptr : std::aligned_alloc(huge_page, whole);
  if (memory == nullptr) throw std::bad_alloc();
  // Where the system has none, the pages stay small.
  (void)madvise(memory, whole, MADV_HUGEPAGE);
  return memory;
}

void free_pages(void* memory) noexcept { std::free(memory); }

}  // namespace etalon
