#include "etalon/pages.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "base/page_pool.hpp"

namespace etalon {
namespace {

constexpr std::size_t huge_page = std::size_t{1} << 21;
// Without a pool, small pieces would be touched anew each time, and huge pages cleared each time.
constexpr std::size_t large_unkept = 2 * huge_page;

// Free pieces by their size in huge pages.
struct Pool {
  std::mutex mutex;
  std::map<std::size_t, std::vector<void*>> pieces;
  std::size_t kept = 0;              // bytes
  std::atomic<std::size_t> most{0};  // bytes
};

// Never destroyed: pieces are given back until the very end.
Pool& pool() {
  static Pool* const one = new Pool;
  return *one;
}

void* kept_piece(std::size_t pages) {
  Pool& p = pool();
  if (p.most == 0) return nullptr;
  const std::lock_guard lock(p.mutex);
  const auto of_size = p.pieces.find(pages);
  if (of_size == p.pieces.end() || of_size->second.empty()) return nullptr;
  void* const memory = of_size->second.back();
  of_size->second.pop_back();
  p.kept -= pages * huge_page;
  return memory;
}

}  // namespace

void keep_free_pages(std::size_t bytes) { pool().most = bytes; }

void* allocate_pages(std::size_t bytes) {
  const bool pooled = pool().most != 0;
  if (bytes < (pooled ? huge_page : large_unkept)) {
    void* const memory = std::malloc(bytes + (bytes == 0));
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  const std::size_t whole = (bytes + huge_page - 1) / huge_page * huge_page;
  if (whole < bytes) throw std::bad_alloc();
  if (void* const memory = kept_piece(whole / huge_page)) return memory;
  void* const memory = std::aligned_alloc(huge_page, whole);
  if (memory == nullptr) throw std::bad_alloc();
  // Where the system has none, the pages stay small.
  (void)madvise(memory, whole, MADV_HUGEPAGE);
  return memory;
}

void free_pages(void* memory) noexcept {
  Pool& p = pool();
  if (p.most != 0 && memory != nullptr &&
      reinterpret_cast<std::uintptr_t>(memory) % huge_page == 0) {
    const std::size_t pages = malloc_usable_size(memory) / huge_page;
    const std::lock_guard lock(p.mutex);
    if (pages != 0 && p.kept + pages * huge_page <= p.most) {
      try {
        p.pieces[pages].push_back(memory);
        p.kept += pages * huge_page;
        return;
      } catch (const std::bad_alloc&) {  // then it is not kept
      }
    }
  }
  std::free(memory);
}

}  // namespace etalon
