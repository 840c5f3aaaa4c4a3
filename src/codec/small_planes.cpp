#include "codec/small_planes.hpp"

#include <cmath>
#include <type_traits>

#include "codec/counts_predictor.hpp"
#include "codec/field_loops.hpp"
#include "codec/mapped.hpp"
#include "codec/scratch.hpp"

namespace etalon::codec {
namespace {

// Planes that are apart have rates of their own: what is nearly the same is better joined.
constexpr double clear = 0.5;
constexpr std::size_t tiles = 12;

template <typename T>
Planes layout_of(std::span<const T> values, const Shape& shape, std::uint64_t bound) {
  const auto bits = [&](Planes planes) {
    return choose_predictor<T>(values, grid_of(shape, 1, planes), {}, bound, tiles).bits;
  };
  return bits(Planes::apart) < clear * bits(Planes::small_joined) ? Planes::apart
                                                                  : Planes::small_joined;
}

}  // namespace

Planes layout_of_small_planes(const ArrayView& elements, const Bound& bound) {
  if (grows_with_value(bound)) return Planes::small_joined;
  return visit(elements.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>) {
      const double tolerance = bound.tolerance(0), step = 2 * tolerance;
      if (!std::isnormal(step)) return Planes::small_joined;
      Scratch<std::int32_t> numbers(elements.count());
      Scratch<std::uint8_t> strange(elements.count());
      to_grid(elements.as<T>().data(), elements.count(), step, tolerance, numbers.data(),
              strange.data());
      return layout_of<std::int32_t>(numbers.span(), elements.shape, 0);
    } else if constexpr (sizeof(T) == 8) {
      return Planes::small_joined;
    } else {
      return layout_of<T>(elements.as<T>(), elements.shape, integer_bound(bound, elements.dtype));
    }
  });
}

}  // namespace etalon::codec
