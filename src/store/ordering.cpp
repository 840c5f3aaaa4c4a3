#include "store/ordering.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace etalon {
namespace {

// An axis of the positions, spread over the steps of the curve.
struct Coordinate {
  ArrayView array;
  std::size_t stride, at;
};

std::vector<std::uint64_t> steps_of(const Coordinate& c, std::size_t count, int bits) {
  std::vector<double> values(count);
  visit(c.array.dtype, [&](auto zero) {
    const auto in = c.array.as<decltype(zero)>();
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<double>(in[i * c.stride + c.at]);
  });
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (double v : values)
    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  const auto most = static_cast<double>((std::uint64_t{1} << bits) - 1);
  const double scale = high > low ? most / (high - low) : 0;
  std::vector<std::uint64_t> steps(count);
  for (std::size_t i = 0; i < count; ++i)
    steps[i] = static_cast<std::uint64_t>(
        std::isfinite(values[i]) ? std::min(most, (values[i] - low) * scale) : most);
  return steps;
}

// Bits of v, each `axes` places apart.
std::uint64_t spread(std::uint64_t v, int bits, std::size_t axes) {
  std::uint64_t out = 0;
  for (int b = 0; b < bits; ++b) out |= (v >> b & 1) << (static_cast<std::size_t>(b) * axes);
  return out;
}

struct Blocks {
  std::size_t outer = 1, length = 1, inner = 1;  // inner in bytes
};
Blocks blocks_of(const ArrayView& array, std::size_t axis) {
  Blocks b;
  for (std::size_t a = 0; a < axis; ++a) b.outer *= array.shape[a];
  b.length = array.shape[axis];
  b.inner = size_of(array.dtype);
  for (std::size_t a = axis + 1; a < array.shape.rank(); ++a) b.inner *= array.shape[a];
  return b;
}

}  // namespace

Result<Permutation> morton_order(const std::vector<ArrayView>& positions) {
  if (positions.empty()) return Error{Errc::usage, "positions: none are named"};
  const std::size_t count = positions[0].shape.rank() == 0 ? 0 : positions[0].shape[0];
  std::vector<Coordinate> axes;
  for (const ArrayView& p : positions) {
    const std::size_t width = count == 0 ? 0 : p.count() / count;
    if (p.shape.rank() == 0 || p.shape[0] != count || width * axes.size() > 3)
      return Error{Errc::usage, "positions: arrays of one length and up to three axes are wanted"};
    for (std::size_t k = 0; k < width; ++k) axes.push_back({p, width, k});
  }
  if (axes.empty() || axes.size() > 3 || count > std::numeric_limits<std::uint32_t>::max())
    return Error{Errc::usage, "positions: of one to three axes and fewer than 2^32 particles"};
  const int bits = axes.size() == 3 ? 21 : 31;
  std::vector<std::uint64_t> keys(count);
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const auto steps = steps_of(axes[a], count, bits);
    for (std::size_t i = 0; i < count; ++i) keys[i] |= spread(steps[i], bits, axes.size()) << a;
  }
  Permutation order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });
  return order;
}

Result<Permutation> permutation_of(const ArrayView& numbers) {
  const std::size_t count = numbers.count();
  Permutation order(count);
  std::vector<bool> seen(count);
  bool good = count <= std::numeric_limits<std::uint32_t>::max();
  if (good)
    visit(numbers.dtype, [&](auto zero) {
      const auto in = numbers.as<decltype(zero)>();
      for (std::size_t i = 0; i < count && good; ++i) {
        const auto at = static_cast<std::uint64_t>(in[i]);
        good = in[i] >= 0 && at < count && !seen[at];
        if (!good) return;
        seen[at] = true;
        order[i] = static_cast<std::uint32_t>(at);
      }
    });
  if (!good) return Error{Errc::malformed, "permutation: is none"};
  return order;
}

Array put_in_order(const ArrayView& array, std::size_t axis, const Permutation& order) {
  Array out(array.dtype, array.shape);
  const Blocks b = blocks_of(array, axis);
  std::byte* to = out.mutable_view().data;
  for (std::size_t o = 0; o < b.outer; ++o)
    for (std::size_t k = 0; k < b.length; ++k, to += b.inner)
      std::memcpy(to, array.data + (o * b.length + order[k]) * b.inner, b.inner);
  return out;
}

Array put_back(const ArrayView& array, std::size_t axis, const Permutation& order) {
  Array out(array.dtype, array.shape);
  const Blocks b = blocks_of(array, axis);
  std::byte* const to = out.mutable_view().data;
  const std::byte* from = array.data;
  for (std::size_t o = 0; o < b.outer; ++o)
    for (std::size_t k = 0; k < b.length; ++k, from += b.inner)
      std::memcpy(to + (o * b.length + order[k]) * b.inner, from, b.inner);
  return out;
}

Array by_column(const ArrayView& array) {
  const std::size_t rows = array.shape[0], columns = array.shape[1], size = size_of(array.dtype);
  Array out(array.dtype, Shape{columns, rows});
  std::byte* to = out.mutable_view().data;
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t r = 0; r < rows; ++r, to += size)
      std::memcpy(to, array.data + (r * columns + c) * size, size);
  return out;
}

}  // namespace etalon
