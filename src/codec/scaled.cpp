#include "codec/scaled.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "codec/dither.hpp"
#include "codec/field_loops.hpp"
#include "codec/groups.hpp"
#include "codec/planes.hpp"
#include "codec/scratch.hpp"

namespace etalon::codec {
namespace {

constexpr double margin = 1 - 0x1p-20;  // as in scale.cpp
constexpr double widest = 0x1p30;

// Numbers that a scale may stand for: the others keep their bits.
template <typename T>
bool ordinary(T v) {
  return std::isnormal(v) || (v == 0 && !std::signbit(v));
}

bool on_common_grid(const Bound& b) {
  return (b.kind == Bound::Kind::abs || b.kind == Bound::Kind::rel) && b.tolerance(0) > 0;
}

}  // namespace

template <typename T>
std::optional<ScaledStream> encode_scaled(std::span<const T> values, const CountsLayout& layout,
                                          const std::vector<Bound>& bounds, const Fills& fills,
                                          std::span<const std::uint8_t> good,
                                          std::optional<std::uint64_t> dither,
                                          CountsReport& report) {
  double tightest = std::numeric_limits<double>::infinity();
  for (const Bound& b : bounds)
    if (on_common_grid(b)) tightest = std::min(tightest, b.tolerance(0));
  ScaledStream scaled;
  scaled.step = std::isinf(tightest) ? 1 : 2 * tightest * margin;
  if (!std::isnormal(scaled.step)) return std::nullopt;
  CountsLayout l = layout;
  l.bounds.clear();
  std::vector<Scale> scales;
  bool any = false;
  for (const Bound& b : bounds) {
    scales.push_back(Scale::of<T>(b, scaled.step));
    any = any || !scales.back().keeps_bits();
    // Wider bounds take several steps, but a dither is as wide as one.
    const double steps = std::floor((b.tolerance(0) - scaled.step / 2) / scaled.step);
    const bool wider = scales.back().is_common_grid() && !dither;
    l.bounds.push_back(wider ? static_cast<std::uint64_t>(std::clamp(steps, 0.0, widest))
                             : std::uint64_t{0});
  }
  if (!any) return std::nullopt;

  const std::size_t n = values.size(), plane = l.grid.plane();
  const auto exact_label = static_cast<std::uint8_t>(fills.patterns.size() + 1);
  const std::vector<std::uint8_t> labels = label_plane(l);
  std::vector<std::uint8_t> map = fills.map;
  map.resize(n);
  Scratch<std::int32_t> numbers(n);
  const std::span<std::int32_t> grid = numbers.span();
  std::size_t exact = 0;
  scaled.label_max_error.assign(bounds.size(), 0);
  const auto label_of = [&](std::size_t i) { return labels.empty() ? 0u : labels[i % plane]; };
  const auto dither_of = [&](std::size_t i) {
    return dither && scales[label_of(i)].is_common_grid() ? unit_dither(dither_bits(*dither, i))
                                                          : 0.0;
  };
  const auto decoded_value = [&](std::size_t i, std::int32_t q) {
    return static_cast<double>(scales[label_of(i)].template value<T>(q, dither_of(i)));
  };
  const auto within = [&](std::size_t i, std::int32_t q) {
    const auto x = static_cast<double>(values[i]);
    return std::abs(decoded_value(i, q) - x) <= bounds[label_of(i)].tolerance(x);
  };
  const auto note_error = [&](std::size_t i, std::int32_t q) {
    double& worst = scaled.label_max_error[label_of(i)];
    const auto x = static_cast<double>(values[i]);
    worst = std::max(worst, bounds[label_of(i)].error(x, std::abs(decoded_value(i, q) - x)));
  };
  if (bounds.size() == 1 && scales[0].is_common_grid() && !dither) {
    const double tolerance = bounds[0].tolerance(0);
    constexpr std::size_t block = 4096;
    std::array<std::uint8_t, block> strange;
    double worst = 0;
    for (std::size_t at = 0; at < n; at += block) {
      const std::size_t length = std::min(block, n - at);
      worst = std::max(worst, to_grid(values.data() + at, length, scaled.step, tolerance,
                                      grid.data() + at, strange.data()));
      if (std::memchr(strange.data(), 1, length) == nullptr) continue;
      for (std::size_t i = 0; i < length; ++i) {
        if (strange[i] == 0 || map[at + i] != 0) continue;  // fillings are strange
        map[at + i] = exact_label;
        ++exact;
      }
    }
    scaled.label_max_error[0] = bounds[0].error(0, worst);
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      std::optional<std::int32_t> q;
      if (map[i] == 0 && ordinary(values[i]))
        q = scales[label_of(i)].number(values[i], dither_of(i));
      grid[i] = q.value_or(0);
      if (map[i] != 0) continue;
      if (q && within(i, *q)) {
        note_error(i, *q);
        continue;
      }
      map[i] = exact_label;
      ++exact;
    }
  }
  // Without bins of its own the counts engine gives back what it got.
  const bool moves = std::any_of(l.bounds.begin(), l.bounds.end(), [](auto b) { return b != 0; });
  std::vector<std::int32_t> decoded(moves ? n : 0);
  // What the counts engine's own bins move out of bounds is kept exactly the next time round; no
  // more rounds than that takes in earnest.
  for (int round = 0;; ++round) {
    if (round == 4) return std::nullopt;
    if (exact * 2 > n && exact != 0) return std::nullopt;
    l.fills.clear();
    if (exact != 0 || !fills.map.empty())
      l.fills = rects_of(map, l.grid.planes * l.grid.ny, l.grid.nx);
    scaled.stream = encode_counts<std::int32_t>(grid, l, good, report);
    if (!moves) break;
    CountsLayout read;
    read.grid = l.grid;
    const CountsStream& s = scaled.stream;
    if (!decode_counts<std::int32_t>({s.side, s.symbols, s.bits, s.escapes}, bounds.size(),
                                     exact_label, read, decoded)
             .ok())
      return std::nullopt;
    std::fill(scaled.label_max_error.begin(), scaled.label_max_error.end(), 0);
    std::size_t more = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (map[i] != 0) continue;
      if (within(i, decoded[i])) {
        note_error(i, decoded[i]);
        continue;
      }
      map[i] = exact_label;
      ++more;
    }
    if (more == 0) break;
    exact += more;
  }
  if (exact != 0) {
    std::vector<T> kept;
    for (std::size_t i = 0; i < n; ++i) {
      if (map[i] != exact_label) continue;
      kept.push_back(values[i]);
      report.label_bits[label_of(i)] += 8 * sizeof(T);
    }
    scaled.exact =
        encode_planes(std::as_bytes(std::span(kept)), sizeof(T), true, Grid{1, 1, kept.size()});
  }
  return scaled;
}

template std::optional<ScaledStream> encode_scaled<float>(
    std::span<const float>, const CountsLayout&, const std::vector<Bound>&, const Fills&,
    std::span<const std::uint8_t>, std::optional<std::uint64_t>, CountsReport&);
template std::optional<ScaledStream> encode_scaled<double>(
    std::span<const double>, const CountsLayout&, const std::vector<Bound>&, const Fills&,
    std::span<const std::uint8_t>, std::optional<std::uint64_t>, CountsReport&);

}  // namespace etalon::codec
