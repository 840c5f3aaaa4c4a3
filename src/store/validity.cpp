#include "store/validity.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace etalon {

Result<std::vector<std::uint8_t>> valid_elements(const ArrayView& elements, const Validity& v) {
  if (v.kind == Validity::Kind::mask) {
    if (v.valid.size() != elements.count())
      return Error{Errc::usage, "--valid: has " + std::to_string(v.valid.size()) +
                                    " elements, the array " + std::to_string(elements.count())};
    return v.valid;
  }
  std::vector<std::uint8_t> valid(elements.count());
  visit(elements.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto in = elements.as<T>();
    double fill = v.fill;  // as the type has it; no integer equals what is none
    if constexpr (std::is_floating_point_v<T>) fill = static_cast<double>(static_cast<T>(fill));
    for (std::size_t i = 0; i < valid.size(); ++i) {
      const auto x = static_cast<double>(in[i]);
      valid[i] = v.kind == Validity::Kind::nan ? !std::isnan(x) : x != fill;
    }
  });
  return valid;
}

Bound with_range(const Bound& bound, const ArrayView& elements,
                 std::span<const std::uint8_t> valid) {
  CompressOptions options;
  options.bound = bound;
  if (!needs_range(options)) return bound;
  ValueRange range;
  if (valid.empty()) {
    range.add(elements);
  } else {
    Array counted(elements.dtype, elements.shape);
    const std::size_t size = size_of(elements.dtype);
    std::size_t n = 0;
    for (std::size_t i = 0; i < valid.size(); ++i)
      if (valid[i] != 0)
        std::memcpy(counted.mutable_view().data + n++ * size, elements.data + i * size, size);
    range.add({counted.view().data, elements.dtype, Shape{n}});
  }
  return with_ranges(options, range).bound;
}

std::uint64_t nan_bits(DType dtype) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const float small = std::numeric_limits<float>::quiet_NaN();
  std::uint64_t bits = 0;
  if (dtype == DType::f64) std::memcpy(&bits, &nan, sizeof nan);
  if (dtype == DType::f32) std::memcpy(&bits, &small, sizeof small);
  return bits;
}

}  // namespace etalon
