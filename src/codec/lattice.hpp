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

// Where the terms of a row begin.
template <typename V>
class TermRows {
 public:
  TermRows(const Level& level, const Features& features, const std::array<V*, 64>& classes)
      : level_(level), terms_(features.terms), at_(terms_.size()), inner_(terms_.size()) {
    for (std::size_t axis = 0; axis < level.last(); ++axis)
      inside_[axis] = std::min(level.real(axis, 0), level.real(axis, 1));
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      std::ptrdiff_t rows = 0;
      for (std::size_t axis = 0; axis < level.last(); ++axis)
        rows += terms_[t].steps[axis] * static_cast<std::ptrdiff_t>(level.rows_per[axis]);
      const std::ptrdiff_t in_row =
          static_cast<std::ptrdiff_t>(Level::before) + terms_[t].steps[level.last()];
      base_.push_back(classes[terms_[t].cls]);
      inner_[t] = rows * static_cast<std::ptrdiff_t>(level.stride) + in_row;
    }
  }
  // Coordinates outside a class are held to its edge.
  const V* const* at(const Index& index) {
    std::size_t row = 0;
    bool inside = true;
    for (std::size_t axis = 0; axis < level_.last(); ++axis) {
      row += index[axis] * level_.rows_per[axis];
      inside = inside && index[axis] >= 1 && index[axis] + 2 < inside_[axis];
    }
    if (inside) {
      const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(row * level_.stride);
      for (std::size_t t = 0; t < at_.size(); ++t) at_[t] = base_[t] + from + inner_[t];
    } else {
      for (std::size_t t = 0; t < at_.size(); ++t) at_[t] = base_[t] + held(terms_[t], index);
    }
    return at_.data();
  }

 private:
  std::size_t held(const Term& term, const Index& index) const {
    std::size_t row = 0;
    for (std::size_t axis = 0; axis < level_.last(); ++axis) {
      const auto end = static_cast<std::ptrdiff_t>(level_.real(axis, term.cls >> axis & 1));
      const std::ptrdiff_t i = static_cast<std::ptrdiff_t>(index[axis]) + term.steps[axis];
      row += static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(i, 0, end - 1)) *
             level_.rows_per[axis];
    }
    return row * level_.stride +
           static_cast<std::size_t>(static_cast<std::ptrdiff_t>(Level::before) +
                                    term.steps[level_.last()]);
  }

  const Level& level_;
  const std::vector<Term>& terms_;
  std::vector<const V*> at_;
  std::vector<std::ptrdiff_t> inner_;
  std::vector<const V*> base_;
  Index inside_{};
};

// Gives a row its ends: what lies outside is the first or last element.
template <typename V>
void close_row(V* row, std::size_t n) {
  row[0] = row[1];
  row[n + 1] = row[n + 2] = row[n];
}

}  // namespace etalon::codec
