#include "codec/fills.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <type_traits>

namespace etalon::codec {
namespace {

// A rectangle costs about this many bits; the estimate only decides, it is not in the stream.
constexpr double rectangle_bits = 22;

template <typename T>
std::uint64_t pattern_of(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <typename T>
class Finder {
 public:
  Finder(std::span<const T> values, const Grid& grid, std::span<const std::uint8_t> good)
      : values_(values), grid_(grid), good_(good) {}

  Fills find() {
    if constexpr (std::is_floating_point_v<T>) {
      special_floats();
    } else {
      T low = values_[0], high = values_[0];
      for (T v : values_) {
        low = std::min(low, v);
        high = std::max(high, v);
      }
      consider(high, false);
      if (std::is_signed_v<T> && low < 0) {
        consider(low, false);
        if (low != T(-1)) consider(T(-1), false);
      }
      const bool masked = std::find(good_.begin(), good_.end(), 0) != good_.end();
      consider(T(0), masked, masked ? 1 : 0.25);
    }
    return std::move(fills_);
  }

 private:
  // Takes `value` as a fill in rectangles that are cheaper than its symbols, unless it is commoner
  // than `most_share`: then it is no filling.
  void consider(T value, bool masked_only, double most_share = 1) {
    if (fills_.patterns.size() == max_fills) return;
    const std::uint64_t pattern = pattern_of(value);
    if (std::find(fills_.patterns.begin(), fills_.patterns.end(), pattern) != fills_.patterns.end())
      return;
    const std::size_t n = values_.size();
    std::vector<std::uint8_t> map(n);
    for (std::size_t i = 0; i < n; ++i) {
      if constexpr (std::is_floating_point_v<T>)
        map[i] = pattern_of(values_[i]) == pattern;
      else
        map[i] = values_[i] == value;
    }
    std::size_t count = 0;
    for (std::uint8_t m : map) count += m;
    if (count < 8 || static_cast<double>(count) > static_cast<double>(n) * most_share) return;
    if (masked_only)
      for (std::size_t p = 0; p < grid_.planes; ++p)
        for (std::size_t i = 0; i < grid_.plane(); ++i)
          map[p * grid_.plane() + i] &= static_cast<std::uint8_t>(good_[i] == 0);
    double bits = std::log2(static_cast<double>(n) / static_cast<double>(count));
    if constexpr (std::is_floating_point_v<T>)
      bits += 16;
    else
      bits += std::max(0, static_cast<int>(std::bit_width(zigzag(std::int64_t(value)))) - 4);
    auto rects = rects_of(map, grid_.planes * grid_.ny, grid_.nx);
    std::erase_if(rects, [&](const Rect& r) {
      return static_cast<double>(std::size_t{r.height} * r.width) * bits < rectangle_bits;
    });
    if (rects.empty()) return;
    std::fill(map.begin(), map.end(), std::uint8_t{0});
    for_each_row(rects, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
      std::memset(map.data() + at, 1, length);
    });
    fills_.patterns.push_back(pattern);
    const auto label = static_cast<std::uint8_t>(fills_.patterns.size());
    if (fills_.map.empty()) {
      fills_.map = std::move(map);
      return;
    }
    for (std::size_t i = 0; i < n; ++i)
      if (map[i] != 0) fills_.map[i] = label;
  }

  // The commonest patterns that are no plain numbers.
  void special_floats() {
    std::map<std::uint64_t, std::size_t> seen;
    for (T v : values_)
      if ((!std::isfinite(v) || (v == 0 && std::signbit(v))) && seen.size() < 1024)
        ++seen[pattern_of(v)];
    for (std::size_t k = 0; k < max_fills && !seen.empty(); ++k) {
      const auto most =
          std::max_element(seen.begin(), seen.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
      T value;
      std::memcpy(&value, &most->first, sizeof value);
      seen.erase(most);
      consider(value, false);
    }
  }

  std::span<const T> values_;
  const Grid& grid_;
  std::span<const std::uint8_t> good_;
  Fills fills_;
};

}  // namespace

Fills find_fills(const ArrayView& elements, const Grid& grid, std::span<const std::uint8_t> good) {
  return visit(elements.dtype, [&](auto zero) {
    return Finder<decltype(zero)>(elements.as<decltype(zero)>(), grid, good).find();
  });
}

}  // namespace etalon::codec
