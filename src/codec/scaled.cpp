#include "codec/scaled.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "codec/planes.hpp"

namespace etalon::codec {
namespace {

// A grid narrower than the bound by this leaves room for the rounding of q * step.
constexpr double margin = 1 - 0x1p-20;
constexpr double widest = 0x1p30;

// Numbers that a grid may stand for: the others keep their bits.
template <typename T>
bool ordinary(T v) {
  return std::isnormal(v) || (v == 0 && !std::signbit(v));
}

double value_of(const Bound& b) { return b.kind == Bound::Kind::abs ? b.value : 0; }

}  // namespace

template <typename T>
std::optional<ScaledStream> encode_scaled(std::span<const T> values, const CountsLayout& layout,
                                          const std::vector<Bound>& bounds, const Fills& fills,
                                          std::span<const std::uint8_t> good,
                                          CountsReport& report) {
  double tightest = std::numeric_limits<double>::infinity();
  for (const Bound& b : bounds)
    if (value_of(b) > 0) tightest = std::min(tightest, value_of(b));
  ScaledStream scaled;
  scaled.step = 2 * tightest * margin;
  if (!std::isnormal(scaled.step)) return std::nullopt;
  CountsLayout l = layout;
  l.bounds.clear();
  for (const Bound& b : bounds) {
    const double steps = std::floor((value_of(b) - scaled.step / 2) / scaled.step);
    l.bounds.push_back(static_cast<std::uint64_t>(std::clamp(steps, 0.0, widest)));
  }

  const std::size_t n = values.size(), plane = l.grid.plane();
  const auto exact_label = static_cast<std::uint8_t>(fills.patterns.size() + 1);
  std::vector<std::uint8_t> labels(layout.regions.empty() ? 0 : plane), map = fills.map;
  for_each_row(layout.regions, l.grid.nx,
               [&](std::size_t at, std::size_t length, std::uint8_t label) {
                 std::memset(labels.data() + at, label, length);
               });
  map.resize(n);
  std::vector<std::int32_t> grid(n);
  std::size_t exact = 0;
  const auto label_of = [&](std::size_t i) { return labels.empty() ? 0u : labels[i % plane]; };
  const auto within = [&](std::size_t i, std::int32_t q) {
    return std::abs(static_cast<double>(unscale<T>(q, scaled.step)) -
                    static_cast<double>(values[i])) <= value_of(bounds[label_of(i)]);
  };
  for (std::size_t i = 0; i < n; ++i) {
    if (map[i] != 0) continue;
    const double q = ordinary(values[i]) ? std::rint(values[i] / scaled.step) : widest;
    const bool fits = std::abs(q) < widest && value_of(bounds[label_of(i)]) > 0;
    grid[i] = fits ? static_cast<std::int32_t>(q) : 0;
    if (fits && within(i, grid[i])) continue;
    map[i] = exact_label;
    ++exact;
  }
  scaled.label_max_error.assign(bounds.size(), 0);
  std::vector<std::int32_t> decoded(n);
  while (true) {
    if (exact * 2 > n && exact != 0) return std::nullopt;
    l.fills = rects_of(map, l.grid.planes * l.grid.ny, l.grid.nx);
    scaled.stream = encode_counts<std::int32_t>(grid, l, good, report);
    CountsLayout read;
    read.grid = l.grid;
    const CountsStream& s = scaled.stream;
    if (!decode_counts<std::int32_t>(s.side, s.symbols, s.bits, bounds.size(), exact_label, read,
                                     decoded)
             .ok())
      return std::nullopt;
    std::size_t more = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (map[i] != 0) continue;
      if (within(i, decoded[i])) {
        double& worst = scaled.label_max_error[label_of(i)];
        worst = std::max(worst, std::abs(static_cast<double>(unscale<T>(decoded[i], scaled.step)) -
                                         static_cast<double>(values[i])));
        continue;
      }
      map[i] = exact_label;
      ++more;
    }
    if (more == 0) break;
    exact += more;
    std::fill(scaled.label_max_error.begin(), scaled.label_max_error.end(), 0);
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

template std::optional<ScaledStream> encode_scaled<float>(std::span<const float>,
                                                          const CountsLayout&,
                                                          const std::vector<Bound>&, const Fills&,
                                                          std::span<const std::uint8_t>,
                                                          CountsReport&);
template std::optional<ScaledStream> encode_scaled<double>(std::span<const double>,
                                                           const CountsLayout&,
                                                           const std::vector<Bound>&, const Fills&,
                                                           std::span<const std::uint8_t>,
                                                           CountsReport&);

}  // namespace etalon::codec
