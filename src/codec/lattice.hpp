// Refining a grid of any rank by halves: a level's elements fall into 2^rank classes by the parity
// of their coordinates. The class of even coordinates is the next coarser level; every other class
// is foretold from classes with fewer odd coordinates, which are known before it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "etalon/array.hpp"

namespace etalon::codec {

inline constexpr std::size_t max_axes = 6;
using Index = std::array<std::size_t, max_axes>;

// One level. Its classes are arrays of equal layout, whose extents are those of the even class; the
// last elements of odd classes may be none. Rows lie along the last axis and have room for one
// element before and two after them.
struct Level {
  static constexpr std::size_t before = 1, after = 2;

  explicit Level(std::size_t axes, const Index& extents);

  std::size_t rank = 0;
  Index extent{};    // of the level
  Index half{};      // of a class array
  Index rows_per{};  // rows that a step along an outer axis moves over
  std::size_t rows = 1, stride = 0;

  std::size_t last() const { return rank - 1; }
  std::size_t size() const { return rows * stride; }
  std::size_t count() const;  // elements of the level
  // Elements of a class along an axis.
  std::size_t real(std::size_t axis, unsigned parity) const {
    return parity != 0 ? extent[axis] / 2 : half[axis];
  }
  bool holds(unsigned cls) const;
  std::size_t row_length(unsigned cls) const { return real(last(), cls >> last() & 1); }
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

// Where the terms of a row begin. Coordinates outside a class are held to its edge.
template <typename V>
class TermRows {
 public:
  TermRows(const Level& level, const Features& features, const std::array<V*, 64>& classes)
      : level_(level), terms_(features.terms), at_(terms_.size()), outer_(terms_.size()) {
    for (const Term& t : terms_)
      base_.push_back(classes[t.cls] + Level::before + t.steps[level.last()]);
    for (std::size_t axis = 0; axis < level.last(); ++axis) {
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
  const V* const* at(const Index& index) {
    const std::size_t outer = level_.last() == 0 ? 0 : level_.last() - 1;
    if (!known_ || !std::equal(index.begin(), index.begin() + outer, index_.begin())) {
      outer_ = base_;
      for (std::size_t axis = 0; axis < outer; ++axis) move(outer_, axis, index[axis], outer_);
      index_ = index;
      known_ = true;
    }
    if (level_.last() == 0) return outer_.data();
    move(outer_, outer, index[outer], at_);
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
  std::vector<const V*> at_, outer_,
      base_;  // of a row; of all rows of the outer axes; of the first
  std::array<std::vector<std::ptrdiff_t>, max_axes>
      moved_;      // coordinate by coordinate, by each term
  Index index_{};  // that outer_ is of
  bool known_ = false;
};

// Gives a row its ends: what lies outside is the first or last element.
template <typename V>
void close_row(V* row, std::size_t n) {
  row[0] = row[1];
  row[n + 1] = row[n + 2] = row[n];
}

}  // namespace etalon::codec
