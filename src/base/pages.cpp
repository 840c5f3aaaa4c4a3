#include "etalon/pages.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/page_pool.hpp"

namespace etalon {
namespace {

constexpr std::size_t huge_page = std::size_t{1} << 21;
// Without a pool, small pieces would be touched anew each time, and huge pages cleared each time.
constexpr std::size_t large_unkept = 2 * huge_page;

struct Pool {
  std::mutex mutex;
  std::unordered_map<void*, std::size_t> used;       // huge pages of pieces that may be kept
  std::map<std::size_t, std::vector<void*>> pieces;  // kept, by their huge pages
  std::size_t kept = 0;                              // bytes
  std::atomic<std::size_t> most{0};                  // bytes
  std::atomic<bool> was_on{false};
};

// Never destroyed: pieces are given back until the very end.
Pool& pool() {
  static Pool* const one = new Pool;
  return *one;
}

void* kept_piece(Pool& p, std::size_t pages) {
  const std::lock_guard lock(p.mutex);
  const auto of_size = p.pieces.find(pages);
  if (of_size == p.pieces.end() || of_size->second.empty()) return nullptr;
  void* const memory = of_size->second.back();
  p.used.emplace(memory, pages);
  of_size->second.pop_back();
  p.kept -= pages * huge_page;
  return memory;
}

void note_use(Pool& p, void* memory, std::size_t pages) {
  const std::lock_guard lock(p.mutex);
  p.used.emplace(memory, pages);
}

// False: it is to be freed.
bool keep(Pool& p, void* memory) {
  const std::lock_guard lock(p.mutex);
  const auto use = p.used.find(memory);
  if (use == p.used.end()) return false;
  const std::size_t pages = use->second;
  p.used.erase(use);
  if (p.kept + pages * huge_page > p.most) return false;
  p.pieces[pages].push_back(memory);
  p.kept += pages * huge_page;
  return true;
}

}  // namespace

void keep_free_pages(std::size_t bytes) {
  Pool& p = pool();
  p.most = bytes;
  if (bytes != 0) p.was_on = true;
}

void* allocate_pages(std::size_t bytes) {
  Pool& p = pool();
  const bool pooled = p.most != 0;
  if (bytes < (pooled ? huge_page : large_unkept)) {
    void* const memory = std::malloc(bytes + (bytes == 0));
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  const std::size_t whole = (bytes + huge_page - 1) / huge_page * huge_page;
  if (whole < bytes) throw std::bad_alloc();
  if (pooled)
    if (void* const memory = kept_piece(p, whole / huge_page)) return memory;
  void* const memory = std::aligned_alloc(huge_page, whole);
  if (memory == nullptr) throw std::bad_alloc();
  // Where the system has none, the pages stay small.
  (void)madvise(memory, whole, MADV_HUGEPAGE);
  if (pooled) note_use(p, memory, whole / huge_page);
  return memory;
}

void free_pages(void* memory) noexcept {
  Pool& p = pool();
  // Only whole huge pages are in the books.
  const bool is_large = reinterpret_cast<std::uintptr_t>(memory) % huge_page == 0;
  bool kept = false;
  try {
    kept = memory != nullptr && is_large && p.was_on && keep(p, memory);
  } catch (const std::bad_alloc&) {  // then it is not kept
  }
  if (!kept) std::free(memory);
}

}  // namespace etalon
