// Refining a grid of any rank by halves: a level's elements fall into 2^rank classes by the parity
// of their coordinates. The class of even coordinates is the next coarser level; every other class
// is foretold from classes with fewer odd coordinates, which are known before it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "etalon/array.hpp"

namespace etalon::codec {

inline constexpr std::size_t max_axes = 6;
using Index = std::array<std::size_t, max_axes>;

// One level. Its classes are arrays of equal layout, whose extents are those of the even class; the
// last elements of odd classes may be none. Rows lie along the last axis and have room for one
// element before and two after them. Where rows are short, a plane of them has as many rows before
// and after it, so that its elements and what they are foretold from lie in one run each.
struct Level {
  static constexpr std::size_t before = 1, after = 2;
  static constexpr std::size_t short_row = 64, least_plane = 2;

  explicit Level(std::size_t axes, const Index& extents);

  std::size_t rank = 0;
  Index extent{};    // of the level
  Index half{};      // of a class array
  Index rows_per{};  // rows that a step along an outer axis moves over
  std::size_t rows = 1, stride = 0;
  bool planes = false;  // have rows before and after them

  std::size_t last() const { return rank - 1; }
  std::size_t size() const { return rows * stride; }
  std::size_t count() const;  // elements of the level
  // Elements of a class along an axis.
  std::size_t real(std::size_t axis, unsigned parity) const {
    return parity != 0 ? extent[axis] / 2 : half[axis];
  }
  bool holds(unsigned cls) const;
  std::size_t row_length(unsigned cls) const { return real(last(), cls >> last() & 1); }
  // Where the row of an index lies in a class array; the last coordinate is not looked at.
  std::size_t row_at(const Index& index) const {
    std::size_t row = planes ? before : 0;
    for (std::size_t axis = 0; axis < last(); ++axis) row += index[axis] * rows_per[axis];
    return row;
  }
  std::size_t row_count(unsigned cls) const;
};

// The levels of an array from the finest to the coarsest, which has one element. Axes of one
// element are left out.
std::vector<Level> levels_of(const Shape& shape);

// Classes other than the even one: fewer odd coordinates first, then as numbers.
std::vector<unsigned> class_order(std::size_t rank);

// An element at a place relative to one of a class, as its class and steps along that one's array.
struct Term {
  unsigned cls = 0;
  std::array<std::int8_t, max_axes> steps{};
};

// What a class is foretold from: each feature is the mean of a few terms that lie symmetrically.
inline constexpr std::size_t max_features = 12, max_terms = 64;
struct Features {
  std::vector<Term> terms;            // feature by feature
  std::vector<std::uint8_t> lengths;  // terms of each feature
  std::size_t nearest = 0;            // the first features: the nearest neighbours along each axis
};
Features features_of(const Level& level, unsigned cls);

// Calls row(index) for every row of a class, in order; the last coordinate is 0.
template <typename F>
void for_each_row_of(const Level& level, unsigned cls, std::size_t first, std::size_t end,
                     F&& row) {
  Index index{};
  std::size_t left = first;
  for (std::size_t axis = level.last(); axis-- > 0;) {
    const std::size_t n = level.real(axis, cls >> axis & 1);
    index[axis] = left % n;
    left /= n;
  }
  for (std::size_t r = first; r < end; ++r) {
    row(index);
    for (std::size_t axis = level.last(); axis-- > 0;) {
      if (++index[axis] < level.real(axis, cls >> axis & 1)) break;
      index[axis] = 0;
    }
  }
}

// Calls run(index, rows) for the same rows in pieces that lie in one plane each.
template <typename F>
void for_each_run_of(const Level& level, unsigned cls, std::size_t first, std::size_t end,
                     F&& run) {
  if (level.last() == 0) return run(Index{}, end - first);
  const std::size_t axis = level.last() - 1, n = level.real(axis, cls >> axis & 1);
  Index index{};
  std::size_t left = first;
  for (std::size_t a = axis + 1; a-- > 0;) {
    index[a] = left % level.real(a, cls >> a & 1);
    left /= level.real(a, cls >> a & 1);
  }
  for (std::size_t r = first; r < end;) {
    const std::size_t rows = std::min(end - r, n - index[axis]);
    run(std::as_const(index), rows);
    r += rows;
    index[axis] = 0;
    for (std::size_t a = axis; a-- > 0;) {
      if (++index[a] < level.real(a, cls >> a & 1)) break;
      index[a] = 0;
    }
  }
}

// Where the terms of a row begin. Coordinates outside a class are held to its edge.
template <typename V>
class TermRows {
 public:
  TermRows(const Level& level, const Features& features, const std::array<V*, 64>& classes)
      : level_(level),
        terms_(features.terms),
        clamped_(level.planes ? level.last() - 1 : level.last()),
        at_(terms_.size()) {
    for (const Term& t : terms_) {
      const V* const first = classes[t.cls] + Level::before + t.steps[level.last()];
      const auto row = level.planes ? std::ptrdiff_t{Level::before} + t.steps[clamped_] : 0;
      base_.push_back(first + row * static_cast<std::ptrdiff_t>(level.stride));
    }
    partial_.assign(clamped_ + 1, base_);
    for (std::size_t axis = 0; axis < clamped_; ++axis) {
      const std::size_t n = level.half[axis], per = level.rows_per[axis] * level.stride;
      auto& moved = moved_[axis];
      moved.resize(n * terms_.size());
      for (std::size_t t = 0; t < terms_.size(); ++t) {
        const auto end = static_cast<std::ptrdiff_t>(level.real(axis, terms_[t].cls >> axis & 1));
        for (std::size_t i = 0; i < n; ++i) {
          const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(i) + terms_[t].steps[axis];
          moved[i * terms_.size() + t] =
              std::clamp<std::ptrdiff_t>(to, 0, end - 1) * static_cast<std::ptrdiff_t>(per);
        }
      }
    }
  }
  // Of one row, and where planes have rows around them of those after it in its plane: each begins
  // a stride after the one before.
  const V* const* at(const Index& index) {
    if (level_.last() == 0) return base_.data();
    // Mostly but the last coordinates have changed.
    std::size_t axis = 0;
    while (known_ && axis < clamped_ && index[axis] == index_[axis]) ++axis;
    for (; axis < clamped_; ++axis) move(partial_[axis], axis, index[axis], partial_[axis + 1]);
    index_ = index;
    known_ = true;
    const std::vector<const V*>& outer = partial_[clamped_];
    const std::size_t inner = level_.last() - 1;
    if (clamped_ != inner) return outer.data();
    const std::size_t by = index[inner] * level_.stride;
    for (std::size_t t = 0; t < terms_.size(); ++t) at_[t] = outer[t] + by;
    return at_.data();
  }

 private:
  void move(const std::vector<const V*>& from, std::size_t axis, std::size_t index,
            std::vector<const V*>& to) const {
    const std::ptrdiff_t* const by = moved_[axis].data() + index * terms_.size();
    for (std::size_t t = 0; t < terms_.size(); ++t) to[t] = from[t] + by[t];
  }

  const Level& level_;
  const std::vector<Term>& terms_;
  std::size_t clamped_;  // so many axes have terms held to an edge by what they are moved by
  std::vector<const V*> at_, base_;             // of a row; of the first
  std::vector<std::vector<const V*>> partial_;  // moved along so many axes
  std::array<std::vector<std::ptrdiff_t>, max_axes>
      moved_;      // coordinate by coordinate, by each term
  Index index_{};  // that partial_ is of
  bool known_ = false;
};

// Gives a row its ends: what lies outside is the first or last element.
template <typename V>
void close_row(V* row, std::size_t n) {
  row[0] = row[1];
  row[n + 1] = row[n + 2] = row[n];
}

}  // namespace etalon::codec
