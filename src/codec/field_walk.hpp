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

// Copies n elements, and up to 32 bytes more; both sides have room for them.
template <typename V>
void copy_short(const V* from, std::size_t n, V* to) {
  constexpr std::size_t piece = 32 / sizeof(V);
  for (std::size_t i = 0; i < n; i += piece) std::memcpy(to + i, from + i, 32);
}

// Four elements are shuffled in registers: what was just written by elements cannot be read
// together at once.
template <typename V>
using Four __attribute__((vector_size(4 * sizeof(V)))) = V;

// even[k] = from[2 k], odd[k] = from[2 k + 1], k < 4.
template <typename V>
void split_eight(const V* from, V* even, V* odd) {
  Four<V> first, last;
  std::memcpy(&first, from, sizeof first);
  std::memcpy(&last, from + 4, sizeof last);
  const Four<V> e = __builtin_shufflevector(first, last, 0, 2, 4, 6),
                o = __builtin_shufflevector(first, last, 1, 3, 5, 7);
  std::memcpy(even, &e, sizeof e);
  std::memcpy(odd, &o, sizeof o);
}
// out[2 k] = even[k], out[2 k + 1] = odd[k], k < 4.
template <typename V>
void interleave_four(const V* even, const V* odd, V* out) {
  Four<V> e, o;
  std::memcpy(&e, even, sizeof e);
  std::memcpy(&o, odd, sizeof o);
  const Four<V> first = __builtin_shufflevector(e, o, 0, 4, 1, 5),
                last = __builtin_shufflevector(e, o, 2, 6, 3, 7);
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + 4, &last, sizeof last);
}

// Copies n elements and no more.
template <typename V>
void copy_row(const V* from, std::size_t n, V* to) {
  constexpr std::size_t piece = 4;
  if (n > Level::short_row || n < piece) {
    std::memcpy(to, from, n * sizeof(V));
    return;
  }
  for (std::size_t i = 0; i + piece < n; i += piece)
    std::memcpy(to + i, from + i, piece * sizeof(V));
  std::memcpy(to + n - piece, from + n - piece, piece * sizeof(V));
}

// Foretells stripes. Short rows of a plane are foretold in one run, what lies between them
// included, and put together afterwards.
template <typename V>
class StripePredictor {
 public:
  // Both results have room for row_slack more.
  void operator()(const Level& level, const Stripe& s, const RowPredictor<V>& predictor,
                  TermRows<V>& terms, V* prediction, std::uint8_t* activity) {
    const std::size_t n = s.row_length;
    if (!level.planes) {
      for_each_run_of(level, s.cls, s.first_row, s.end_row, [&](Index index, std::size_t rows) {
        for (std::size_t r = 0; r < rows; ++r, prediction += n, activity += n) {
          predict_row(predictor, terms.at(index), {n}, prediction, activity);
          if (level.last() != 0) ++index[level.last() - 1];
        }
      });
      return;
    }
    // All runs first: what was just written cannot be read at other places at once.
    const std::size_t room = (s.end_row - s.first_row) * level.stride + row_slack;
    if (prediction_.size() < room) {
      prediction_.resize(room);
      activity_.resize(room);
    }
    runs_.clear();
    std::size_t to = 0;
    for_each_run_of(level, s.cls, s.first_row, s.end_row,
                    [&](const Index& index, std::size_t rows) {
                      const std::size_t length = (rows - 1) * level.stride + n;
                      predict_row(predictor, terms.at(index), {length, n, level.stride},
                                  prediction_.data() + to, activity_.data() + to);
                      to += length;
                      runs_.push_back(rows);
                    });
    std::size_t from = 0;
    for (const std::size_t rows : runs_) {
      for (std::size_t r = 0; r < rows; ++r, prediction += n, activity += n) {
        copy_short(prediction_.data() + from + r * level.stride, n, prediction);
        copy_short(activity_.data() + from + r * level.stride, n, activity);
      }
      from += (rows - 1) * level.stride + n;
    }
  }

 private:
  std::vector<V> prediction_;
  std::vector<std::uint8_t> activity_;
  std::vector<std::size_t> runs_;  // rows of each
};

// The class arrays of the level that is being decoded.
template <typename V>
class ClassArrays {
 public:
  explicit ClassArrays(const std::vector<Level>& levels) : levels_(levels) {
    even_ = fresh(levels.back().size());
    open(levels.size() - 1);
  }
  const std::array<V*, 64>& at() const { return at_; }
  // `values` has room for row_slack more.
  void store(const Stripe& s, const V* values) {
    for_each_run_of(levels_[s.level], s.cls, s.first_row, s.end_row,
                    [&](const Index& index, std::size_t rows) {
                      store(s.cls, index, values, s.row_length, rows);
                      values += rows * s.row_length;
                    });
  }
  // Whether rows are long enough to be made where they belong.
  bool makes_rows(const Stripe& s) const {
    return !levels_[s.level].planes && s.row_length > Level::short_row;
  }
  // Calls make(where, place in the stripe) for every row, which may write row_slack elements more.
  template <typename F>
  void make_rows(const Stripe& s, F&& make) {
    const Level& l = levels_[s.level];
    std::size_t at = 0;
    for_each_run_of(l, s.cls, s.first_row, s.end_row, [&](const Index& index, std::size_t rows) {
      V* row = at_[s.cls] + l.row_at(index) * l.stride;
      for (std::size_t r = 0; r < rows; ++r, row += l.stride, at += s.row_length) {
        make(row + Level::before, at);
        close_row(row, s.row_length);
      }
    });
  }
  // Puts the level together, as the even class of the next finer one, and goes on to that.
  void refine() {
    const Level& next = levels_[level_ - 1];
    Memory whole = fresh(next.size());
    const std::size_t n = levels_[level_].extent[next.last()];
    assemble(
        [&](const Index& index) {
          return whole.data() + next.row_at(index) * next.stride + Level::before;
        },
        next.stride,
        [&](V* plane, std::size_t rows) {
          for (std::size_t r = 0; r < rows; ++r)
            close_row(plane + r * next.stride - Level::before, n);
          if (!next.planes) return;
          V* const first = plane - Level::before;
          copy_row(first, next.stride, first - next.stride);
          close_plane(first + rows * next.stride, next.stride);
        });
    even_ = std::move(whole);
    open(level_ - 1);
  }
  // The level as an array.
  void finish(V* out) const {
    const std::size_t n = levels_[level_].extent[levels_[level_].last()];
    assemble(
        [&, plane = out](const Index&) mutable {
          V* const here = plane;
          plane += n * plane_rows();
          return here;
        },
        n, [](V*, std::size_t) {});
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

  // Puts rows into a plane, from that of `index` on.
  void store(unsigned cls, const Index& index, const V* values, std::size_t n, std::size_t rows) {
    const Level& l = levels_[level_];
    V* row = at_[cls] + l.row_at(index) * l.stride;
    // With its ends, and in this order: what comes after a short row is nothing yet.
    const auto put = [n](const V* from, V* to) {
      if (n > Level::short_row)
        std::memcpy(to + Level::before, from, n * sizeof(V));
      else
        copy_short(from, n, to + Level::before);
      to[0] = from[0];
      to[n + 1] = to[n + 2] = from[n - 1];
    };
    const std::size_t at = l.planes ? index[l.last() - 1] : 1;
    if (at == 0) put(values, row - l.stride);
    for (std::size_t r = 0; r < rows; ++r, row += l.stride, values += n) put(values, row);
    if (!l.planes || at + rows != l.real(l.last() - 1, cls >> (l.last() - 1) & 1)) return;
    for (std::size_t r = 0; r < Level::after; ++r, row += l.stride) put(values - n, row);
  }

  // Rows of the level in a plane.
  std::size_t plane_rows() const {
    const Level& l = levels_[level_];
    return l.last() == 0 ? 1 : l.extent[l.last() - 1];
  }

  // The rows after a plane, whose last one lies before `end`.
  static void close_plane(V* end, std::size_t stride) {
    for (std::size_t r = 0; r < Level::after; ++r) copy_row(end - stride, stride, end + r * stride);
  }

  // Asks out(index) where each plane of the level goes, whose rows are `stride` apart, and calls
  // close(where, rows) once it is there.
  template <typename Out, typename Close>
  void assemble(Out&& out, std::size_t stride, Close&& close) const {
    const Level& l = levels_[level_];
    const unsigned odd_bit = 1u << l.last();
    const std::size_t n = l.extent[l.last()], rows = plane_rows();
    const std::size_t outer = l.last() == 0 ? 0 : l.last() - 1;
    std::size_t planes = 1;
    for (std::size_t axis = 0; axis < outer; ++axis) planes *= l.extent[axis];
    Index index{};
    for (std::size_t p = 0; p < planes; ++p) {
      unsigned cls = 0;
      Index half{};
      for (std::size_t axis = 0; axis < outer; ++axis) {
        cls |= static_cast<unsigned>(index[axis] & 1) << axis;
        half[axis] = index[axis] / 2;
      }
      const std::size_t at = l.row_at(half) * l.stride + Level::before;
      V* const plane = out(std::as_const(index));
      // What is written behind a row is written anew.
      const bool has_room = stride > n || (planes - p - 1) * rows * n >= row_slack;
      for (std::size_t r = 0; r < rows; ++r) {
        const unsigned c = l.last() == 0 ? 0 : cls | static_cast<unsigned>(r & 1) << outer;
        const std::size_t from = at + r / 2 * l.stride;
        V* const to = plane + r * stride;
        const V* const even = at_[c] + from;
        if (n > 1) join(even, at_[c | odd_bit] + from, n / 2, has_room, to);
        if (n % 2 != 0) to[n - 1] = even[n / 2];
      }
      close(plane, rows);
      for (std::size_t axis = outer; axis-- > 0;) {
        if (++index[axis] < l.extent[axis]) break;
        index[axis] = 0;
      }
    }
  }

  // With room for some elements more behind both sides' rows.
  static void join(const V* even, const V* odd, std::size_t n, bool has_room, V* out) {
    constexpr std::size_t few = 16, piece = 4;  // few are not worth a call
    if (n > few) return interleave(even, odd, n, out);
    const auto put = [&](std::size_t i) {
      out[2 * i] = even[i];
      out[2 * i + 1] = odd[i];
    };
    if (has_room) {
      for (std::size_t i = 0; i < n; i += piece) interleave_four(even + i, odd + i, out + 2 * i);
    } else {
      for (std::size_t i = 0; i < n; ++i) put(i);
    }
  }

  const std::vector<Level>& levels_;
  std::size_t level_ = 0;
  Memory even_, odd_;  // the odd classes one after the other
  std::array<V*, 64> at_{};
};

}  // namespace etalon::codec
