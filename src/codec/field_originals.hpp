// What a field's encoder reads: its elements in the order in which they are coded.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "codec/field_loops.hpp"
#include "codec/field_walk.hpp"
#include "codec/lattice.hpp"
#include "codec/scratch.hpp"

namespace etalon::codec {

// The original taken apart: every class of every level is an array of its own, row after row.
template <typename T>
class Originals {
 public:
  Originals(const std::vector<Level>& levels, const T* finest)
      : levels_(levels), classes_(levels.size()) {
    std::size_t room = 0;
    for_each([&](std::size_t, unsigned, std::size_t elements) { room += elements + row_slack; });
    memory_ = Scratch<T>(room);
    T* next = memory_.data();
    for_each([&](std::size_t level, unsigned cls, std::size_t elements) {
      classes_[level][cls] = std::exchange(next, next + elements + row_slack);
    });
    const T* whole = finest;
    for (std::size_t level = 0; level + 1 < levels.size(); ++level) {
      take_apart(level, whole, level == 0 ? 0 : row_slack);
      whole = classes_[level][0];
    }
    classes_.back()[0][0] = *whole;
  }
  // Of a class, from one row on. `row_slack` elements more may be read.
  const T* rows(std::size_t level, unsigned cls, std::size_t first) const {
    return classes_[level][cls] + first * levels_[level].row_length(cls);
  }

 private:
  template <typename F>
  void for_each(F&& f) const {
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      const Level& l = levels_[level];
      for (unsigned cls = 0; cls < (1u << l.rank); ++cls)
        if (l.holds(cls)) f(level, cls, l.row_count(cls) * l.row_length(cls));
    }
  }

  // So many elements more than the level's may be read.
  void take_apart(std::size_t level, const T* from, std::size_t slack) {
    const Level& l = levels_[level];
    const T* const end = from + l.count() + slack;
    const std::size_t n = l.extent[l.last()];
    const unsigned odd = 1u << l.last();
    auto to = classes_[level];
    Index index{};
    unsigned cls = 0;
    for (; from != end - slack; from += n) {
      split_row(from, n, end, to[cls], to[cls | odd]);
      to[cls] += (n + 1) / 2;
      to[cls | odd] += n / 2;
      for (std::size_t axis = l.last(); axis-- > 0;) {
        cls ^= 1u << axis;
        if (++index[axis] < l.extent[axis]) break;
        index[axis] = 0;
        cls &= ~(1u << axis);
      }
    }
  }

  // Some elements more may be written.
  static void split_row(const T* from, std::size_t n, const T* end, T* even, T* odd) {
    constexpr std::size_t few = 32, piece = 8;  // few are not worth a call
    if (n == 1) {
      *even = *from;
    } else if (n > few || static_cast<std::size_t>(end - from) < n + piece) {
      split(from, n, even, odd);
    } else {
      for (std::size_t i = 0; i < n; i += piece) split_eight(from + i, even + i / 2, odd + i / 2);
    }
  }

  const std::vector<Level>& levels_;
  std::vector<std::array<T*, 64>> classes_;
  Scratch<T> memory_;
};

}  // namespace etalon::codec
