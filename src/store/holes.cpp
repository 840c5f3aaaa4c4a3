#include "store/holes.hpp"

#include <cmath>
#include <cstring>
#include <vector>

namespace etalon {
namespace {

// Calls f(begin, stride, length) for every line along an axis.
template <typename F>
void for_each_line(const Shape& shape, std::size_t axis, F&& f) {
  std::size_t stride = 1;
  for (std::size_t a = axis + 1; a < shape.rank(); ++a) stride *= shape[a];
  const std::size_t length = shape[axis], block = stride * length;
  for (std::size_t o = 0; o < shape.count(); o += block)
    for (std::size_t i = 0; i < stride; ++i) f(o + i, stride, length);
}

// Adds what a line says of its unknown elements, and how much that weighs.
template <typename T>
void add_line(std::span<const T> values, std::span<const std::uint8_t> known, std::size_t begin,
              std::size_t stride, std::size_t length, std::vector<double>& sum,
              std::vector<double>& weight) {
  std::size_t from = 0;
  bool has_left = false;
  double left = 0;
  for (std::size_t k = 0; k <= length; ++k) {
    const std::size_t at = begin + k * stride;
    const bool good = k < length && known[at] != 0;
    if (k < length && !good) continue;
    const double right = good ? static_cast<double>(values[at]) : left;
    if (k > from && (has_left || good)) {
      if (!has_left) left = right;
      const double gap = static_cast<double>(k - from + 1);
      for (std::size_t j = from; j < k; ++j) {
        const double t = static_cast<double>(j - from + 1) / gap;
        const double share = has_left && good ? t : has_left ? 0.0 : 1.0;
        const double w = 1 / (gap * (has_left && good ? 1 : 4));
        sum[begin + j * stride] += w * (left + share * (right - left));
        weight[begin + j * stride] += w;
      }
    }
    from = k + 1;
    has_left = has_left || good;
    if (good) left = right;
  }
}

template <typename T>
bool fill_along(std::span<T> values, std::vector<std::uint8_t>& known, const Shape& shape,
                std::size_t first_axis, std::size_t end_axis) {
  std::vector<double> sum(values.size()), weight(values.size());
  for (std::size_t axis = first_axis; axis < end_axis; ++axis)
    for_each_line(shape, axis, [&](std::size_t begin, std::size_t stride, std::size_t length) {
      add_line<T>(values, known, begin, stride, length, sum, weight);
    });
  bool all = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (known[i] != 0) continue;
    if (weight[i] > 0) {
      values[i] = static_cast<T>(sum[i] / weight[i]);
      known[i] = 1;
    } else {
      all = false;
    }
  }
  return all;
}

// Each filled element becomes the mean of its neighbours, again and again: what lines along
// different axes say differs from row to row, and steps between rows cost bits.
template <typename T>
void smooth(std::span<T> values, std::span<const std::uint8_t> valid, const Shape& shape) {
  constexpr int sweeps = 24;
  std::vector<std::size_t> strides(shape.rank(), 1);
  for (std::size_t a = shape.rank(); a-- > 1;) strides[a - 1] = strides[a] * shape[a];
  for (int sweep = 0; sweep < sweeps; ++sweep)
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (valid[i] != 0) continue;
      double sum = 0;
      int count = 0;
      const auto add = [&](T v) {
        if (!std::isfinite(v)) return;
        sum += static_cast<double>(v);
        ++count;
      };
      for (std::size_t a = 0; a < shape.rank(); ++a) {
        const std::size_t at = i / strides[a] % shape[a];
        if (at > 0) add(values[i - strides[a]]);
        if (at + 1 < shape[a]) add(values[i + strides[a]]);
      }
      if (count > 0) values[i] = static_cast<T>(sum / count);
    }
}

}  // namespace

void fill_holes(const MutableArrayView& array, std::span<const std::uint8_t> valid) {
  if (array.count() == 0 || array.shape.rank() == 0) return;
  visit(array.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto values = array.as<T>();
    std::vector<std::uint8_t> known(valid.begin(), valid.end());
    if constexpr (std::is_floating_point_v<T>)
      for (std::size_t i = 0; i < known.size(); ++i)
        known[i] = known[i] != 0 && std::isfinite(values[i]) ? 1 : 0;
    // Valid elements that are not finite stay what they are.
    std::vector<T> before(values.begin(), values.end());
    const std::size_t rank = array.shape.rank();
    bool done = fill_along<T>(values, known, array.shape, 0, rank);
    for (std::size_t axis = 0; axis < rank && !done; ++axis)
      done = fill_along<T>(values, known, array.shape, axis, axis + 1);
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known[i] == 0) values[i] = T{0};
      if (valid[i] != 0) values[i] = before[i];
    }
    if constexpr (std::is_floating_point_v<T>) smooth<T>(values, valid, array.shape);
  });
}

bool hole_bits(const ArrayView& array, std::span<const std::uint8_t> valid, std::uint64_t& bits) {
  const std::size_t size = size_of(array.dtype);
  bool found = false;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    if (valid[i] != 0) continue;
    std::uint64_t own = 0;
    std::memcpy(&own, array.data + i * size, size);
    if (found && own != bits) return false;
    bits = own;
    found = true;
  }
  if (!found) bits = 0;
  return true;
}

void put_hole_bits(const MutableArrayView& array, std::span<const std::uint8_t> valid,
                   std::uint64_t bits) {
  const std::size_t size = size_of(array.dtype);
  for (std::size_t i = 0; i < valid.size(); ++i)
    if (valid[i] == 0) std::memcpy(array.data + i * size, &bits, size);
}

}  // namespace etalon
