#include "analyse/pair_rows.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace etalon {
namespace {

template <typename T, typename U>
double difference(T from, U to) {
  if constexpr (std::is_floating_point_v<T> || std::is_floating_point_v<U>) {
    const double e = static_cast<double>(to) - static_cast<double>(from);
    return std::isfinite(e) ? e : std::numeric_limits<double>::quiet_NaN();
  } else if constexpr (std::is_same_v<T, U>) {
    const auto less = [](T a, T b) {
      return static_cast<double>(static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a));
    };
    return from <= to ? less(from, to) : -less(to, from);
  } else {  // dithered: both fit
    return static_cast<double>(static_cast<std::int64_t>(to) - static_cast<std::int64_t>(from));
  }
}

template <typename T, typename U>
void subtract(const ArrayView& a, const ArrayView& b, std::size_t at, std::size_t step,
              std::size_t n, double* out) {
  const T* const from = a.as<T>().data() + at;
  const U* const to = b.as<U>().data() + at;
  for (std::size_t i = 0; i < n; ++i) out[i] = difference(from[i * step], to[i * step]);
}

}  // namespace

PairRows::PairRows(const ArrayView& original, const ArrayView& reduced)
    : original_(original),
      reduced_(reduced),
      shape_(original.shape.rank() == 0 ? Shape{1} : original.shape) {}

void PairRows::values(std::size_t at, std::size_t step, std::size_t n, double* out) const {
  visit(original_.dtype, [&](auto zero) {
    const auto* const from = original_.as<decltype(zero)>().data() + at;
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<double>(from[i * step]);
  });
}

void PairRows::errors(std::size_t at, std::size_t step, std::size_t n, double* out) const {
  visit(original_.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (reduced_.dtype == original_.dtype)
      return subtract<T, T>(original_, reduced_, at, step, n, out);
    if constexpr (std::is_unsigned_v<T> && sizeof(T) <= 4) {
      using Wide =
          std::conditional_t<sizeof(T) == 1, std::int16_t,
                             std::conditional_t<sizeof(T) == 2, std::int32_t, std::int64_t>>;
      subtract<T, Wide>(original_, reduced_, at, step, n, out);
    }
  });
}

}  // namespace etalon
