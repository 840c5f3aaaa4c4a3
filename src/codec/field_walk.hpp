// The order in which a field's elements are coded, common to encoder and decoder: from the coarsest
// level to the finest, class after class, in stripes of rows.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "codec/field_loops.hpp"
#include "codec/field_rows.hpp"
#include "codec/lattice.hpp"
#include "codec/scratch.hpp"
#include "etalon/result.hpp"

namespace etalon::codec {

// Elements of a stripe: rows that together have at most as many, or one row.
inline constexpr std::size_t stripe_elements = 4096;

struct Stripe {
  std::size_t level = 0;  // 0 is the finest
  unsigned cls = 0;
  std::size_t first_row = 0, end_row = 0, row_length = 0;

  std::size_t count() const { return (end_row - first_row) * row_length; }
  std::size_t symbols() const { return (count() + 31) / 32 * 32; }
};

// Calls stripe(Stripe) for the rows of one class, in order, until one fails.
template <typename F>
Result<void> for_each_stripe(const std::vector<Level>& levels, std::size_t level, unsigned cls,
                             F&& stripe) {
  const std::size_t length = levels[level].row_length(cls), rows = levels[level].row_count(cls);
  const std::size_t most = std::max<std::size_t>(1, stripe_elements / length);
  for (std::size_t row = 0; row < rows; row += most)
    ETALON_TRY(stripe(Stripe{level, cls, row, std::min(rows, row + most), length}));
  return {};
}

// Calls cls(level, class) for everything that is coded: the one element of the coarsest level as
// its even class, then the odd classes of all levels.
template <typename F>
Result<void> for_each_class(const std::vector<Level>& levels, F&& cls) {
  ETALON_TRY(cls(levels.size() - 1, 0u));
  const std::vector<unsigned> order = class_order(levels[0].rank);
  for (std::size_t level = levels.size() - 1; level-- > 0;)
    for (const unsigned c : order)
      if (levels[level].holds(c)) ETALON_TRY(cls(level, c));
  return {};
}

// Symbols of the whole field, what fills the stripes' last groups included.
inline std::size_t symbol_count(const std::vector<Level>& levels) {
  std::size_t n = 0;
  (void)for_each_class(levels, [&](std::size_t level, unsigned cls) {
    return for_each_stripe(levels, level, cls, [&](const Stripe& s) -> Result<void> {
      n += s.symbols();
      return {};
    });
  });
  return n;
}

// The class arrays of the level that is being decoded.
template <typename V>
class ClassArrays {
 public:
  explicit ClassArrays(const std::vector<Level>& levels) : levels_(levels) {
    even_ = fresh(levels.back().size());
    open(levels.size() - 1);
  }
  const std::array<V*, 64>& at() const { return at_; }
  V* row(unsigned cls, const Index& index) {
    const Level& level = levels_[level_];
    std::size_t row = 0;
    for (std::size_t axis = 0; axis < level.last(); ++axis)
      row += index[axis] * level.rows_per[axis];
    return at_[cls] + row * level.stride;
  }
  void store(unsigned cls, const Index& index, const V* values, std::size_t n) {
    V* const r = row(cls, index);
    std::memcpy(r + Level::before, values, n * sizeof(V));
    close_row(r, n);
  }
  // Puts the level together, as the even class of the next finer one, and goes on to that.
  void refine() {
    const Level& next = levels_[level_ - 1];
    Memory whole = fresh(next.size());
    V* const out = whole.data();
    assemble(out, next.stride, Level::before);
    for (std::size_t r = 0; r < next.rows; ++r)
      close_row(out + r * next.stride, levels_[level_].extent[next.last()]);
    even_ = std::move(whole);
    open(level_ - 1);
  }
  // The level as an array.
  void finish(V* out) const {
    const Level& level = levels_[level_];
    assemble(out, level.extent[level.last()], 0);
  }

 private:
  using Memory = Scratch<V>;
  static Memory fresh(std::size_t n) { return Memory(n + row_slack); }

  void open(std::size_t level) {
    level_ = level;
    const Level& l = levels_[level];
    at_.fill(nullptr);
    at_[0] = even_.data();
    if (level + 1 == levels_.size()) return;
    const auto holds = [&](unsigned cls) { return l.holds(cls); };
    std::size_t classes = 0;
    for (unsigned cls = 1; cls < (1u << l.rank); ++cls) classes += holds(cls);
    const std::size_t each = l.size() + row_slack;
    odd_ = Memory();  // given back before more is taken
    odd_ = Memory(classes * each);
    V* next = odd_.data();
    for (unsigned cls = 1; cls < (1u << l.rank); ++cls)
      if (holds(cls)) at_[cls] = std::exchange(next, next + each);
  }

  void assemble(V* out, std::size_t stride, std::size_t offset) const {
    const Level& l = levels_[level_];
    const unsigned odd_bit = 1u << l.last();
    const std::size_t n = l.extent[l.last()];
    std::size_t rows = 1;
    for (std::size_t axis = 0; axis < l.last(); ++axis) rows *= l.extent[axis];
    Index index{};
    for (std::size_t r = 0; r < rows; ++r) {
      unsigned cls = 0;
      std::size_t at = 0;
      for (std::size_t axis = 0; axis < l.last(); ++axis) {
        cls |= static_cast<unsigned>(index[axis] & 1) << axis;
        at += index[axis] / 2 * l.rows_per[axis];
      }
      at = at * l.stride + Level::before;
      V* const to = out + r * stride + offset;
      const V* const even = at_[cls] + at;
      if (n == 1) {
        to[0] = even[0];
      } else {
        const V* const odd = at_[cls | odd_bit] + at;
        interleave(even, odd, n / 2, to);
        if (n % 2 != 0) to[n - 1] = even[n / 2];
      }
      for (std::size_t axis = l.last(); axis-- > 0;) {
        if (++index[axis] < l.extent[axis]) break;
        index[axis] = 0;
      }
    }
  }

  const std::vector<Level>& levels_;
  std::size_t level_ = 0;
  Memory even_, odd_;  // the odd classes one after the other
  std::array<V*, 64> at_{};
};

}  // namespace etalon::codec
