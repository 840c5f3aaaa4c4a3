#include "store/foretell.hpp"

#include <cstring>
#include <type_traits>

namespace etalon {
namespace {

// Where element i is foretold from: `size_t(-1)` is 0.
struct Source {
  Foretold how;
  std::size_t width;

  std::size_t of(std::size_t i) const {
    constexpr auto nothing = static_cast<std::size_t>(-1);
    const bool first_row = i < width, first_column = i % width == 0;
    switch (how) {
      case Foretold::before:
        return i == 0 ? nothing : i - 1;
      case Foretold::row:
        return first_row ? nothing : i - width;
      case Foretold::within:
        return !first_column ? i - 1 : first_row ? nothing : i - width;
      default:
        return nothing;
    }
  }
};

Source source_of(const ArrayView& array, Foretold how) {
  const std::size_t rank = array.shape.rank();
  return {how, rank < 2 || array.shape[rank - 1] == 0 ? 1 : array.shape[rank - 1]};
}

template <typename F>
void visit_unsigned(DType dtype, F&& f) {
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) f(std::make_unsigned_t<T>{});
  });
}

}  // namespace

Array foretell(const ArrayView& integers, Foretold how) {
  Array out(integers.dtype, integers.shape);
  const Source source = source_of(integers, how);
  visit_unsigned(integers.dtype, [&](auto zero) {
    using U = decltype(zero);
    const auto* in = reinterpret_cast<const U*>(integers.data);
    auto* to = reinterpret_cast<U*>(out.mutable_view().data);
    for (std::size_t i = 0; i < integers.count(); ++i) {
      const std::size_t s = source.of(i);
      to[i] = static_cast<U>(in[i] - (s < i ? in[s] : U{0}));
    }
  });
  return out;
}

Array unforetell(const ArrayView& rest, Foretold how) {
  Array out(rest.dtype, rest.shape);
  const Source source = source_of(rest, how);
  visit_unsigned(rest.dtype, [&](auto zero) {
    using U = decltype(zero);
    const auto* in = reinterpret_cast<const U*>(rest.data);
    auto* to = reinterpret_cast<U*>(out.mutable_view().data);
    for (std::size_t i = 0; i < rest.count(); ++i) {
      const std::size_t s = source.of(i);
      to[i] = static_cast<U>(in[i] + (s < i ? to[s] : U{0}));
    }
  });
  return out;
}

}  // namespace etalon
