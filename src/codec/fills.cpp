#include "codec/fills.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <type_traits>

#include "codec/counts_loops.hpp"
#include "codec/field_loops.hpp"
#include "codec/scratch.hpp"

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
bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return pattern_of(a) == pattern_of(b);
  else
    return a == b;
}

using codec::count_of;
using codec::mark;
using codec::range_of;

// The loops of counts_loops.hpp for wider types and patterns of floats.
template <typename T>
concept HasLoops = std::is_integral_v<T> && sizeof(T) <= 4;

template <typename T>
requires(!HasLoops<T>) void range_of(const T* v, std::size_t n, T& low, T& high) {
  low = high = v[0];
  for (std::size_t i = 1; i < n; ++i) {
    low = smaller(low, v[i]);
    high = larger(high, v[i]);
  }
}
template <typename T>
requires(!HasLoops<T>) std::size_t count_of(const T* v, std::size_t n, T value) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count += same(v[i], value);
  return count;
}
template <typename T>
requires(!HasLoops<T>) void mark(const T* v, const std::uint8_t* good, std::size_t n, T value,
                                 std::uint8_t label, std::uint8_t* labels) {
  for (std::size_t i = 0; i < n; ++i)
    if (same(v[i], value) && (good == nullptr || good[i] == 0)) labels[i] = label;
}

template <typename T>
class Finder {
 public:
  Finder(std::span<const T> values, const Grid& grid, std::span<const std::uint8_t> good)
      : values_(values), grid_(grid), good_(good) {}

  Fills find() {
    if constexpr (std::is_floating_point_v<T>)
      special_floats();
    else
      extremes_and_zero();
    Fills fills;
    fills.largest = largest_;
    if (candidates_.empty()) return fills;
    fills.map = map();
    fills.rects = rects_of(fills.map, grid_.planes * grid_.ny, grid_.nx);
    keep_what_pays(fills);
    return fills;
  }

 private:
  static constexpr std::size_t block = 4096;  // elements that stay in the nearest cache

  struct Candidate {
    T value;
    bool masked_only;
    double bits;        // that one of its symbols takes, about, beside those for its rarity
    std::size_t count;  // its elements

    double symbol_bits(std::size_t n, std::size_t left) const {
      return bits + std::log2(static_cast<double>(n) / static_cast<double>(left));
    }
  };

  // Its symbols are dear unless it is common; above `most_share` it is no filling.
  void consider(T value, std::size_t count, bool masked_only, double most_share) {
    const auto n = static_cast<double>(values_.size()), c = static_cast<double>(count);
    if (candidates_.size() == max_fills || count < 8 || c > n * most_share) return;
    for (const Candidate& other : candidates_)
      if (same(other.value, value)) return;
    double bits = 0;
    if constexpr (std::is_floating_point_v<T>)
      bits = 16;
    else
      bits = std::max(0, static_cast<int>(std::bit_width(zigzag(std::int64_t(value)))) - 4);
    candidates_.push_back({value, masked_only, bits, count});
  }

  void extremes_and_zero() {
    const T* const v = values_.data();
    const std::size_t n = values_.size();
    T low = v[0], high = v[0];
    std::size_t highs = 0, zeros = 0;
    for (std::size_t at = 0; at < n; at += block) {
      const std::size_t length = std::min(block, n - at);
      T l, h;
      range_of(v + at, length, l, h);
      ranges_.push_back({l, h});
      low = std::min(low, l);
      if (h > high) {
        high = h;
        highs = 0;
      }
      if (h == high) highs += count_of(v + at, length, high);
      if (l <= 0) zeros += count_of(v + at, length, T(0));
    }
    consider(high, highs, false, 1);
    if (low < 0) {
      consider(low, count_of(v, n, low), false, 1);
      if (low != T(-1)) consider(T(-1), count_of(v, n, T(-1)), false, 1);
    }
    const bool masked = !good_.empty() && std::memchr(good_.data(), 0, good_.size()) != nullptr;
    consider(T(0), zeros, masked, masked ? 1 : 0.25);
  }

  // The commonest patterns that are no plain numbers.
  void special_floats() {
    std::map<std::uint64_t, std::size_t> seen;
    for (std::size_t at = 0; at < values_.size(); at += block) {
      const auto part = values_.subspan(at, std::min(block, values_.size() - at));
      const auto seen_here = magnitudes(part.data(), part.size());
      largest_ = std::max(largest_, static_cast<double>(seen_here.largest));
      if (!seen_here.any_special) continue;
      for (T v : part)
        if ((!std::isfinite(v) || (v == 0 && std::signbit(v))) && seen.size() < 1024)
          ++seen[pattern_of(v)];
    }
    for (std::size_t k = 0; k < max_fills && !seen.empty(); ++k) {
      const auto most =
          std::max_element(seen.begin(), seen.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
      T value;
      std::memcpy(&value, &most->first, sizeof value);
      seen.erase(most);
      consider(value, count_of(values_.data(), values_.size(), value), false, 1);
    }
  }

  // Whether the ranges that were seen let a value be among elements from `at` on.
  bool may_hold(std::size_t at, std::size_t length, T value) const {
    if (ranges_.empty()) return true;
    for (std::size_t r = at / block; r <= (at + length - 1) / block; ++r)
      if (ranges_[r].low <= value && value <= ranges_[r].high) return true;
    return false;
  }

  std::vector<std::uint8_t> map() const {
    std::vector<std::uint8_t> map(values_.size());
    const std::size_t plane = grid_.plane();
    for (std::size_t p = 0; p < grid_.planes; ++p)
      for (std::size_t at = 0; at < plane; at += block) {
        const std::size_t length = std::min(block, plane - at);
        const T* const v = values_.data() + p * plane + at;
        const std::uint8_t* const good = good_.data() + (good_.empty() ? 0 : at);
        std::uint8_t* const m = map.data() + p * plane + at;
        std::uint8_t label = 0;
        for (const Candidate& c : candidates_) {
          ++label;
          if (!may_hold(p * plane + at, length, c.value)) continue;
          if (c.masked_only && std::memchr(good, 0, length) == nullptr) continue;
          mark(v, c.masked_only ? good : nullptr, length, c.value, label, m);
        }
      }
    return map;
  }

  // Takes out rectangles that are dearer than the symbols, and values that none is left of.
  void keep_what_pays(Fills& fills) const {
    const auto pays_at = [&](const Rect& r, double bits) {
      return static_cast<double>(std::size_t{r.height} * r.width) * bits >= rectangle_bits;
    };
    // The elements outside rectangles that surely pay are rarer than all, and dearer; but zeros are
    // as common as their neighbours are dim.
    std::array<std::size_t, max_fills + 1> left{};
    for (const Rect& r : fills.rects) {
      const Candidate& c = candidates_[r.label - 1u];
      if (c.value == T(0))
        left[r.label] = c.count;
      else if (!pays_at(r, c.symbol_bits(values_.size(), c.count)))
        left[r.label] += std::size_t{r.height} * r.width;
    }
    std::array<std::uint8_t, max_fills + 1> label{};
    std::vector<Rect> kept;
    for (Rect r : fills.rects) {
      const Candidate& c = candidates_[r.label - 1u];
      const bool pays =
          left[r.label] == 0 || pays_at(r, c.symbol_bits(values_.size(), left[r.label]));
      if (pays && label[r.label] == 0) {
        fills.patterns.push_back(pattern_of(candidates_[r.label - 1u].value));
        label[r.label] = static_cast<std::uint8_t>(fills.patterns.size());
      }
      const std::uint8_t to = pays ? label[r.label] : std::uint8_t{0};
      if (to != r.label)
        for_each_row({r}, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
          std::memset(fills.map.data() + at, to, length);
        });
      r.label = to;
      if (pays) kept.push_back(r);
    }
    fills.rects = std::move(kept);
    if (fills.rects.empty()) fills.map.clear();
  }

  std::span<const T> values_;
  const Grid& grid_;
  std::span<const std::uint8_t> good_;
  struct Range {
    T low, high;
  };
  std::vector<Range> ranges_;  // of blocks
  double largest_ = 0;
  std::vector<Candidate> candidates_;
};

}  // namespace

Fills find_fills(const ArrayView& elements, const Grid& grid, std::span<const std::uint8_t> good) {
  return visit(elements.dtype, [&](auto zero) {
    return Finder<decltype(zero)>(elements.as<decltype(zero)>(), grid, good).find();
  });
}

}  // namespace etalon::codec
