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

// Foretells stripes. Short rows of a plane are foretold in one run, what lies between them
// included, and put together afterwards.
template <typename V>
class StripePredictor {
 public:
  // Both results have room for row_slack more.
  void operator()(const Level& level, const Stripe& s, const RowPredictor<V>& predictor,
                  TermRows<V>& terms, V* prediction, std::uint8_t* activity) {
    const std::size_t n = s.row_length;
    for_each_run_of(level, s.cls, s.first_row, s.end_row, [&](Index index, std::size_t rows) {
      if (!level.planes) {
        for (std::size_t r = 0; r < rows; ++r, prediction += n, activity += n) {
          predict_row(predictor, terms.at(index), n, prediction, activity);
          if (level.last() != 0) ++index[level.last() - 1];
        }
        return;
      }
      const std::size_t length = (rows - 1) * level.stride + n;
      if (prediction_.size() < length + row_slack) {
        prediction_.resize(length + row_slack);
        activity_.resize(length + row_slack);
      }
      predict_row(predictor, terms.at(index), length, prediction_.data(), activity_.data());
      for (std::size_t r = 0; r < rows; ++r, prediction += n, activity += n) {
        copy_short(prediction_.data() + r * level.stride, n, prediction);
        copy_short(activity_.data() + r * level.stride, n, activity);
      }
    });
  }

 private:
  std::vector<V> prediction_;
  std::vector<std::uint8_t> activity_;
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
          std::memcpy(first - next.stride, first, next.stride * sizeof(V));
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
    V* const first = at_[cls] + l.row_at(index) * l.stride;
    V* row = first;
    for (std::size_t r = 0; r < rows; ++r, row += l.stride, values += n) {
      // What comes after a short row is nothing yet.
      if (n > Level::short_row)
        std::memcpy(row + Level::before, values, n * sizeof(V));
      else
        copy_short(values, n, row + Level::before);
      close_row(row, n);
    }
    if (!l.planes) return;
    const std::size_t at = index[l.last() - 1],
                      end = l.real(l.last() - 1, cls >> (l.last() - 1) & 1);
    if (at == 0) std::memcpy(first - l.stride, first, l.stride * sizeof(V));
    if (at + rows == end) close_plane(row, l.stride);
  }

  // Rows of the level in a plane.
  std::size_t plane_rows() const {
    const Level& l = levels_[level_];
    return l.last() == 0 ? 1 : l.extent[l.last() - 1];
  }

  // The rows after a plane, whose last one lies before `end`.
  static void close_plane(V* end, std::size_t stride) {
    for (std::size_t r = 0; r < Level::after; ++r)
      std::memcpy(end + r * stride, end - stride, stride * sizeof(V));
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
      for (std::size_t r = 0; r < rows; ++r) {
        const unsigned c = l.last() == 0 ? 0 : cls | static_cast<unsigned>(r & 1) << outer;
        const std::size_t from = at + r / 2 * l.stride;
        V* const to = plane + r * stride;
        const V* const even = at_[c] + from;
        if (n > 1) join(even, at_[c | odd_bit] + from, n / 2, to);
        if (n % 2 != 0) to[n - 1] = even[n / 2];
      }
      close(plane, rows);
      for (std::size_t axis = outer; axis-- > 0;) {
        if (++index[axis] < l.extent[axis]) break;
        index[axis] = 0;
      }
    }
  }

  static void join(const V* even, const V* odd, std::size_t n, V* out) {
    constexpr std::size_t few = 16;  // which are not worth a call
    if (n > few) return interleave(even, odd, n, out);
    for (std::size_t i = 0; i < n; ++i) {
      out[2 * i] = even[i];
      out[2 * i + 1] = odd[i];
    }
  }

  const std::vector<Level>& levels_;
  std::size_t level_ = 0;
  Memory even_, odd_;  // the odd classes one after the other
  std::array<V*, 64> at_{};
};

}  // namespace etalon::codec
