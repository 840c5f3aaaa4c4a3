// Which elements of an array count.
#pragma once

#include <span>
#include <vector>

#include "etalon/codec.hpp"

namespace etalon {

struct Validity {
  enum class Kind { all, nan, fill, mask } kind = Kind::all;
  double fill = 0;
  std::vector<std::uint8_t> valid;  // Kind::mask: as many as an array has elements; 0 is invalid
};

// 1 where an element counts. Errc::usage for a mask of another length.
Result<std::vector<std::uint8_t>> valid_elements(const ArrayView& elements, const Validity& v);

// A relative bound with the range of the elements that count: of all where `valid` is empty.
Bound with_range(const Bound& bound, const ArrayView& elements,
                 std::span<const std::uint8_t> valid);

std::uint64_t nan_bits(DType dtype);  // of the quiet NaN; 0 for integers

}  // namespace etalon
