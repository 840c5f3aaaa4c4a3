#include "codec/mapped.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "codec/counts_loops.hpp"
#include "codec/counts_model.hpp"
#include "codec/dither.hpp"
#include "codec/ladder.hpp"

namespace etalon::codec {
namespace {

CountsSections sections_of(const ChunkParts& parts) {
  return {parts.side, parts.symbols, parts.bits, parts.escapes};
}

// body(i, length, label) for all elements in order, by runs of one label.
template <typename F>
void for_each_run(std::span<const std::uint8_t> labels, const Grid& grid, F&& body) {
  const std::size_t plane = grid.plane();
  for (std::size_t p = 0; p < grid.planes; ++p) {
    if (labels.empty()) {
      body(p * plane, plane, std::size_t{0});
      continue;
    }
    for (std::size_t k = 0; k < plane;) {
      const std::uint8_t label = labels[k];
      const std::uint64_t eight_labels = label * std::uint64_t{0x0101010101010101};
      std::size_t end = k + 1;
      std::uint64_t eight;
      while (end + 8 <= plane &&
             (std::memcpy(&eight, labels.data() + end, 8), eight == eight_labels))
        end += 8;
      while (end < plane && labels[end] == label) ++end;
      body(p * plane + k, end - k, std::size_t{label});
      k = end;
    }
  }
}

// body(i, label) for all elements in order.
template <typename F>
void for_each_labelled(std::span<const std::uint8_t> labels, const Grid& grid, F&& body) {
  for_each_run(labels, grid, [&](std::size_t first, std::size_t length, std::size_t label) {
    for (std::size_t i = first; i < first + length; ++i) body(i, label);
  });
}

// Whether the loops of counts_loops.hpp dither elements of a type within a bound.
template <typename T>
bool loops_dither(std::uint64_t bound) {
  return (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::uint16_t>)&&bound != 0 &&
         bound < (1u << 14);
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
  Scratch<T> numbers(values.size());
  std::vector<double> errors(bounds.size(), 0);
  const auto error_of = [&](std::size_t label, T value, std::int64_t index) {
    const auto decoded = clamp_to<T>(ladders[label]->middle(index));
    if (decoded == value) return 0.0;
    const auto x = static_cast<double>(value);
    return bounds[label].error(x, std::abs(static_cast<double>(decoded) - x));
  };
  // Most values are small: those have tables, and errors once for all.
  constexpr std::size_t small = 512;
  struct Small {
    std::array<std::int64_t, small> index;
    std::array<std::uint8_t, small> seen{};
  };
  std::vector<Small> tables(bounds.size());
  const auto known =
      std::min<std::uint64_t>(small, std::uint64_t{std::numeric_limits<T>::max()} + 1);
  for (std::size_t label = 0; label < bounds.size(); ++label)
    for (std::size_t v = 0; ladders[label] && v < known; ++v)
      tables[label].index[v] = ladders[label]->index(static_cast<std::int64_t>(v));
  for_each_run(label_plane(layout), layout.grid,
               [&](std::size_t first, std::size_t length, std::size_t label) {
                 if (!ladders[label]) {
                   std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(first), length,
                               numbers.data() + first);
                   return;
                 }
                 Small& table = tables[label];
                 for (std::size_t i = first; i < first + length; ++i) {
                   const T v = values[i];
                   if (static_cast<std::make_unsigned_t<T>>(v) < known) {
                     numbers[i] = static_cast<T>(table.index[static_cast<std::size_t>(v)]);
                     table.seen[static_cast<std::size_t>(v)] |=
                         fills.map.empty() || fills.map[i] == 0;
                   } else if (fills.map.empty() || fills.map[i] == 0) {
                     const std::int64_t index = ladders[label]->index(v);
                     numbers[i] = static_cast<T>(index);
                     errors[label] = std::max(errors[label], error_of(label, v, index));
                   } else {
                     numbers[i] = 0;
                   }
                 }
               });
  for (std::size_t label = 0; label < bounds.size(); ++label)
    for (std::size_t v = 0; v < small; ++v)
      if (tables[label].seen[v] != 0)
        errors[label] =
            std::max(errors[label], error_of(label, static_cast<T>(v), tables[label].index[v]));
  MappedStream mapped;
  mapped.stream = encode_counts<T>(numbers.span(), layout, good, report);
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
  constexpr std::size_t small = 256;  // most indices are
  const auto known =
      std::min<std::uint64_t>(small, std::uint64_t{std::numeric_limits<T>::max()} + 1);
  std::vector<std::array<T, small>> middles(ladders.size());
  for (std::size_t label = 0; label < ladders.size(); ++label)
    for (std::size_t q = 0; ladders[label] && q < known; ++q)
      middles[label][q] = clamp_to<T>(ladders[label]->middle(static_cast<std::int64_t>(q)));
  for_each_run(label_plane(layout), grid,
               [&](std::size_t first, std::size_t length, std::size_t label) {
                 if (!ladders[label]) return;
                 fits = fits && layout.bounds[label] == 0;
                 for (std::size_t i = first; i < first + length; ++i) {
                   const T q = out[i];
                   out[i] = static_cast<std::make_unsigned_t<T>>(q) < known
                                ? middles[label][static_cast<std::size_t>(q)]
                                : clamp_to<T>(ladders[label]->middle(q));
                 }
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
  Scratch<std::uint8_t> hints(values.size());
  l.hint = {hints.data(), hints.size()};
  for (std::uint64_t& b : l.bounds) {
    l.hints.push_back(dither_hints(b, l.bounds.size()));
    b = 0;
  }
  Scratch<std::int32_t> numbers(values.size());
  std::vector<std::uint64_t> errors(bounds.size(), 0);
  bool fits = true;
  for_each_run(label_plane(layout), layout.grid,
               [&](std::size_t first, std::size_t length, std::size_t label) {
                 const std::uint64_t bound = layout.bounds[label];
                 const std::uint8_t* const skip = fills.map.empty() ? nullptr : fills.map.data();
                 if constexpr (std::is_unsigned_v<T> && sizeof(T) <= 2)
                   if (loops_dither<T>(bound)) {
                     const std::uint64_t e =
                         dither({seed, bound, l.hints[label]}, first, values.data() + first,
                                skip == nullptr ? nullptr : skip + first, length,
                                numbers.data() + first, hints.data() + first);
                     errors[label] = std::max(errors[label], e);
                     return;
                   }
                 for (std::size_t i = first; i < first + length; ++i) {
                   const std::int64_t d =
                       bound == 0 ? 0 : integer_dither(dither_bits(seed, i), bound);
                   hints[i] = bound == 0 ? std::uint8_t{0} : dither_hint(d, bound, l.hints[label]);
                   numbers[i] = 0;
                   if (skip != nullptr && skip[i] != 0) continue;
                   const auto half = static_cast<std::int64_t>(bound), step = 2 * half + 1;
                   const std::int64_t x = std::int64_t{values[i]};
                   const std::int64_t q = floor_divide(x + d + half, step);
                   fits = fits && q == static_cast<std::int32_t>(q);
                   numbers[i] = static_cast<std::int32_t>(q);
                   const std::int64_t e = std::abs(q * step - d - x);
                   errors[label] = std::max(errors[label], static_cast<std::uint64_t>(e));
                 }
               });
  if (!fits) return std::nullopt;
  MappedStream mapped;
  mapped.stream = encode_counts<std::int32_t>(numbers.span(), l, good, report);
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
  const auto loops_do = [&](std::size_t label) {
    return loops_dither<std::uint16_t>(bounds[label]) && sizeof(Out) <= 4 && sizeof(Out) >= 2;
  };
  Scratch<std::uint8_t> hints(out.size());
  layout.make_hint = [&](std::span<const std::uint8_t> labels) -> std::span<const std::uint8_t> {
    for_each_run(labels, grid, [&](std::size_t first, std::size_t length, std::size_t label) {
      const std::uint64_t bound = bounds[label];
      if (loops_do(label))
        hint({head.seed, bound, layout.hints[label]}, first, length, hints.data() + first);
      else
        for (std::size_t i = first; i < first + length; ++i)
          hints[i] = dither_hint(dither_of(i, label), bound, layout.hints[label]);
    });
    return hints.span();
  };
  Scratch<std::int32_t> q(out.size());
  ETALON_TRY(decode_counts<std::int32_t>(sections_of(parts), head.regions.size(), head.fills.size(),
                                         layout, q.span()));
  for (std::uint64_t b : layout.bounds)
    if (b != 0) return Error{Errc::malformed, "dithered numbers with a bound of their own"};
  for_each_run(label_plane(layout), grid,
               [&](std::size_t first, std::size_t length, std::size_t label) {
                 if constexpr (sizeof(Out) == 2 || sizeof(Out) == 4)
                   if (loops_do(label)) {
                     undither({head.seed, bounds[label], layout.hints[label]}, first,
                              q.data() + first, length, out.data() + first);
                     return;
                   }
                 const auto step = static_cast<std::int64_t>(2 * bounds[label] + 1);
                 for (std::size_t i = first; i < first + length; ++i)
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
