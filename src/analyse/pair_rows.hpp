// An array beside its reduction, read as doubles.
#pragma once

#include <cstddef>

#include "etalon/array.hpp"

namespace etalon {

class PairRows {
 public:
  // Shapes are equal; so are types unless the reduction was dithered to a wider integer. An array
  // without axes has one of one element.
  PairRows(const ArrayView& original, const ArrayView& reduced);

  const Shape& shape() const { return shape_; }
  std::size_t length() const { return shape_[shape_.rank() - 1]; }
  std::size_t rows() const { return shape_.count() / length(); }

  // `n` elements from `at` in C order, `step` apart.
  void values(std::size_t at, std::size_t step, std::size_t n, double* out) const;
  // reduced - original; NaN where one of them is not finite. Exact differences of integers.
  void errors(std::size_t at, std::size_t step, std::size_t n, double* out) const;

 private:
  ArrayView original_, reduced_;
  Shape shape_;
};

}  // namespace etalon
