// Any elements of any type come back within their bound: the first bytes choose type, shape, bound
// and regions.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "etalon/codec.hpp"

namespace {

using namespace etalon;

template <typename T>
bool within(T a, T b, double bound) {
  if (std::memcmp(&a, &b, sizeof a) == 0) return true;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(a) || (a == 0 && std::signbit(a))) return false;
    return std::abs(static_cast<double>(a) - static_cast<double>(b)) <= bound;
  } else {
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    return static_cast<double>(a > b ? x - y : y - x) <= bound;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const auto dtype = static_cast<DType>(data[0] % 10 + 1);
  const std::size_t count = (size - 4) / size_of(dtype);
  const std::size_t nx = 1 + data[1] % 64, ny = count / nx;
  const bool images = (data[3] & 8) != 0 && ny % 2 == 0;  // then regions cover them all
  Array array(dtype, images ? Shape{ny / 2, 2, nx} : Shape{ny, nx});
  if (array.count() != 0)
    std::memcpy(array.mutable_view().data, data + 4, array.view().size_bytes());
  CompressOptions options;
  const double value = std::ldexp(data[2], -4);
  const Bound bounds[] = {Bound::lossless(),
                          Bound::abs(value),
                          Bound::pwrel(value / 17),
                          Bound::sigma(value, 1 + data[1] % 3, 0.5),
                          Bound::rel(value / 64, -3, 1000),
                          Bound::sigma(value, 0, value)};
  options.bound = bounds[data[2] % std::size(bounds)];
  options.level = data[3] % 4 == 2 ? least_level : data[3] % 16 == 4 ? most_level : default_level;
  if (data[3] % 2 != 0) {
    Region r{"box", Bound::abs(data[3]), std::vector<std::uint8_t>(ny * nx)};
    for (std::size_t i = 0; i < r.where.size(); ++i) r.where[i] = i % (data[3] + 2u) < 9;
    options.regions.push_back(std::move(r));
  }
  const auto chunk = encode_chunk(array.view(), options);
  if (!chunk.ok()) std::abort();
  const auto back = decode_chunk(*chunk);
  if (!back.ok()) std::abort();
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::span<const T> a = array.as<T>(), b = back->as<T>();
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool inside = !options.regions.empty() && options.regions[0].where[i] != 0;
      const Bound& bound = inside ? options.regions[0].bound : options.bound;
      if (!within(a[i], b[i], bound.tolerance(static_cast<double>(a[i])))) std::abort();
    }
  });
  return 0;
}
