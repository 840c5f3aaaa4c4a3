#include "codec/mapped.hpp"

#include <algorithm>
#include <cmath>

#include "codec/counts_model.hpp"
#include "codec/dither.hpp"
#include "codec/ladder.hpp"

namespace etalon::codec {
namespace {

CountsSections sections_of(const ChunkParts& parts) {
  return {parts.side, parts.symbols, parts.bits, parts.escapes};
}

// body(i, label) for all elements in order.
template <typename F>
void for_each_labelled(std::span<const std::uint8_t> labels, const Grid& grid, F&& body) {
  for (std::size_t p = 0, i = 0; p < grid.planes; ++p)
    for (std::size_t k = 0; k < grid.plane(); ++k, ++i)
      body(i, labels.empty() ? std::size_t{0} : std::size_t{labels[k]});
}

std::vector<std::optional<Ladder>> ladders_of(const std::vector<Bound>& bounds) {
  std::vector<std::optional<Ladder>> ladders(bounds.size());
  for (std::size_t label = 0; label < bounds.size(); ++label)
    if (grows_with_value(bounds[label])) ladders[label].emplace(bounds[label]);
  return ladders;
}

std::vector<double> errors_of(const CountsReport& report, const std::vector<Bound>& bounds) {
  std::vector<double> errors;
  for (std::size_t label = 0; label < bounds.size(); ++label)
    errors.push_back(bounds[label].error(0, static_cast<double>(report.label_max_error[label])));
  return errors;
}

std::vector<Bound> bounds_of(const ChunkHead& head) {
  std::vector<Bound> bounds;
  for (const RegionInfo& r : head.regions) bounds.push_back(r.bound);
  return bounds;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t q = a / b;
  return q * b > a ? q - 1 : q;
}

}  // namespace

bool grows_with_value(const Bound& bound) {
  return bound.kind == Bound::Kind::pwrel || bound.kind == Bound::Kind::sigma;
}

std::uint64_t integer_bound(const Bound& bound, DType dtype) {
  if (grows_with_value(bound)) return 0;
  const double widest =
      std::ldexp(1.0, 8 * static_cast<int>(std::min<std::size_t>(4, size_of(dtype)))) - 1;
  return static_cast<std::uint64_t>(std::min(bound.tolerance(0), widest));
}

template <typename T>
MappedStream encode_binned(std::span<const T> values, const CountsLayout& layout,
                           const std::vector<Bound>& bounds, const Fills& fills,
                           std::span<const std::uint8_t> good, CountsReport& report) {
  auto ladders = ladders_of(bounds);
  std::vector<T> numbers(values.begin(), values.end());
  std::vector<double> errors(bounds.size(), 0);
  for_each_labelled(label_plane(layout), layout.grid, [&](std::size_t i, std::size_t label) {
    if (!ladders[label] || (!fills.map.empty() && fills.map[i] != 0)) return;
    const std::int64_t index = ladders[label]->index(values[i]);
    numbers[i] = static_cast<T>(index);
    const auto decoded = clamp_to<T>(ladders[label]->middle(index));
    if (decoded != values[i])
      errors[label] =
          std::max(errors[label], bounds[label].error(static_cast<double>(values[i]),
                                                      std::abs(static_cast<double>(decoded) -
                                                               static_cast<double>(values[i]))));
  });
  MappedStream mapped;
  mapped.stream = encode_counts<T>(numbers, layout, good, report);
  mapped.label_max_error = errors_of(report, bounds);
  for (std::size_t label = 0; label < bounds.size(); ++label)
    if (ladders[label]) mapped.label_max_error[label] = errors[label];
  return mapped;
}

template <typename T>
Result<CountsLayout> decode_binned(const ChunkParts& parts, const Grid& grid, std::span<T> out) {
  CountsLayout layout;
  layout.grid = grid;
  ETALON_TRY(decode_counts<T>(sections_of(parts), parts.head.regions.size(),
                              parts.head.fills.size(), layout, out));
  auto ladders = ladders_of(bounds_of(parts.head));
  bool fits = true;
  for_each_labelled(label_plane(layout), grid, [&](std::size_t i, std::size_t label) {
    if (!ladders[label]) return;
    fits = fits && layout.bounds[label] == 0;
    out[i] = clamp_to<T>(ladders[label]->middle(out[i]));
  });
  if (!fits) return Error{Errc::malformed, "bins of a bound that is not theirs"};
  return layout;
}

template <typename T>
std::optional<MappedStream> encode_dithered(std::span<const T> values, const CountsLayout& layout,
                                            const std::vector<Bound>& bounds, const Fills& fills,
                                            std::span<const std::uint8_t> good, std::uint64_t seed,
                                            CountsReport& report) {
  CountsLayout l = layout;
  std::vector<std::uint8_t> hint(values.size());
  l.hint = hint;
  for (std::uint64_t& b : l.bounds) {
    l.hints.push_back(dither_hints(b, l.bounds.size()));
    b = 0;
  }
  std::vector<std::int32_t> numbers(values.size());
  std::vector<std::uint64_t> errors(bounds.size(), 0);
  bool fits = true;
  for_each_labelled(label_plane(layout), layout.grid, [&](std::size_t i, std::size_t label) {
    const std::uint64_t bound = layout.bounds[label];
    std::int64_t d = 0;
    if (bound != 0) {
      d = integer_dither(dither_bits(seed, i), bound);
      hint[i] = dither_hint(d, bound, l.hints[label]);
    }
    if (!fills.map.empty() && fills.map[i] != 0) return;
    const auto half = static_cast<std::int64_t>(bound), step = 2 * half + 1;
    const std::int64_t x = std::int64_t{values[i]};
    const std::int64_t q = floor_divide(x + d + half, step);
    fits = fits && q == static_cast<std::int32_t>(q);
    numbers[i] = static_cast<std::int32_t>(q);
    const std::int64_t e = std::abs(q * step - d - x);
    errors[label] = std::max(errors[label], static_cast<std::uint64_t>(e));
  });
  if (!fits) return std::nullopt;
  MappedStream mapped;
  mapped.stream = encode_counts<std::int32_t>(numbers, l, good, report);
  report.label_max_error = errors;
  mapped.label_max_error = errors_of(report, bounds);
  return mapped;
}

template <typename Out>
Result<CountsLayout> decode_dithered(const ChunkParts& parts, const Grid& grid,
                                     std::span<Out> out) {
  const ChunkHead& head = parts.head;
  CountsLayout layout;
  layout.grid = grid;
  // The hints need the labels, which come with the side information.
  std::vector<std::uint64_t> bounds;
  for (const RegionInfo& r : head.regions) {
    bounds.push_back(integer_bound(r.bound, head.source));
    layout.hints.push_back(dither_hints(bounds.back(), head.regions.size()));
  }
  const auto dither_of = [&](std::size_t i, std::size_t label) {
    return bounds[label] == 0 ? 0 : integer_dither(dither_bits(head.seed, i), bounds[label]);
  };
  std::vector<std::uint8_t> hint(out.size());
  layout.make_hint = [&](std::span<const std::uint8_t> labels) -> std::span<const std::uint8_t> {
    for_each_labelled(labels, grid, [&](std::size_t i, std::size_t label) {
      hint[i] = dither_hint(dither_of(i, label), bounds[label], layout.hints[label]);
    });
    return hint;
  };
  std::vector<std::int32_t> q(out.size());
  ETALON_TRY(decode_counts<std::int32_t>(sections_of(parts), head.regions.size(), head.fills.size(),
                                         layout, q));
  for (std::uint64_t b : layout.bounds)
    if (b != 0) return Error{Errc::malformed, "dithered numbers with a bound of their own"};
  for_each_labelled(label_plane(layout), grid, [&](std::size_t i, std::size_t label) {
    const auto step = static_cast<std::int64_t>(2 * bounds[label] + 1);
    out[i] = clamp_to<Out>(q[i] * step - dither_of(i, label));
  });
  layout.make_hint = {};
  layout.hint = {};
  return layout;
}

#define ETALON_MAPPED(T)                                                                     \
  template MappedStream encode_binned(std::span<const T>, const CountsLayout&,               \
                                      const std::vector<Bound>&, const Fills&,               \
                                      std::span<const std::uint8_t>, CountsReport&);         \
  template Result<CountsLayout> decode_binned(const ChunkParts&, const Grid&, std::span<T>); \
  template std::optional<MappedStream> encode_dithered(                                      \
      std::span<const T>, const CountsLayout&, const std::vector<Bound>&, const Fills&,      \
      std::span<const std::uint8_t>, std::uint64_t, CountsReport&);
ETALON_MAPPED(std::uint8_t)
ETALON_MAPPED(std::uint16_t)
ETALON_MAPPED(std::uint32_t)
ETALON_MAPPED(std::int8_t)
ETALON_MAPPED(std::int16_t)
ETALON_MAPPED(std::int32_t)
#undef ETALON_MAPPED

#define ETALON_DITHERED(T) \
  template Result<CountsLayout> decode_dithered(const ChunkParts&, const Grid&, std::span<T>);
ETALON_DITHERED(std::int8_t)
ETALON_DITHERED(std::int16_t)
ETALON_DITHERED(std::int32_t)
ETALON_DITHERED(std::int64_t)
#undef ETALON_DITHERED

}  // namespace etalon::codec
