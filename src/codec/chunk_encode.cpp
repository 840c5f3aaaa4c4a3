#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

#include "codec/chunk_format.hpp"
#include "codec/counts.hpp"
#include "codec/fills.hpp"
#include "codec/planes.hpp"
#include "codec/scaled.hpp"

namespace etalon {
namespace {

using namespace codec;

Error usage(const std::string& reason) { return {Errc::usage, "compress: " + reason}; }

Result<void> check_bound(const Bound& bound) {
  if (bound.kind == Bound::Kind::abs && !(bound.value >= 0 && std::isfinite(bound.value)))
    return usage("a bound must be a finite number >= 0");
  return {};
}

Result<void> check(const ArrayView& elements, const CompressOptions& options, std::size_t plane) {
  ETALON_TRY(check_bound(options.bound));
  const std::size_t n = elements.count();
  if (n > max_chunk_raw_bytes / size_of(elements.dtype))
    return usage("a chunk of shape " + to_string(elements.shape) +
                 " is larger than 1 GiB; choose a smaller chunk shape");
  if (options.regions.size() >= max_labels) return usage("more than 15 regions");
  for (const Region& r : options.regions) {
    ETALON_TRY(check_bound(r.bound));
    if (r.kind.size() > 32) return usage("a region's name is longer than 32 bytes");
    if (r.where.size() != plane)
      return usage("region '" + r.kind + "' covers " + std::to_string(r.where.size()) +
                   " pixels, images have " + std::to_string(plane));
  }
  if (!options.mask.empty() && options.mask.size() != plane)
    return usage("the mask covers " + std::to_string(options.mask.size()) +
                 " pixels, images have " + std::to_string(plane));
  return {};
}

// Later regions win. Empty when there are none.
std::vector<std::uint8_t> labels_of(const CompressOptions& options, std::size_t plane) {
  if (options.regions.empty()) return {};
  std::vector<std::uint8_t> labels(plane);
  for (std::size_t r = 0; r < options.regions.size(); ++r)
    for (std::size_t i = 0; i < plane; ++i)
      if (options.regions[r].where[i] != 0) labels[i] = static_cast<std::uint8_t>(r + 1);
  return labels;
}

std::uint64_t integer_bound(const Bound& bound, DType dtype) {
  if (bound.kind == Bound::Kind::lossless) return 0;
  const double widest =
      std::ldexp(1.0, 8 * static_cast<int>(std::min<std::size_t>(4, size_of(dtype)))) - 1;
  return static_cast<std::uint64_t>(std::min(bound.value, widest));
}

// What an attempt at coding makes; sections live here until the chunk is put together.
struct Coded {
  Engine engine = Engine::stored;
  Bytes side, symbols, bits, exact, data;
  std::vector<std::uint64_t> fills;
  double step = 0;
  std::uint64_t base = 0;
  std::vector<double> label_bits, label_max_error;

  std::size_t size() const {
    return side.size() + symbols.size() + bits.size() + exact.size() + data.size();
  }
};

void take(Coded& coded, CountsStream stream, const CountsReport& report) {
  coded.side = std::move(stream.side);
  coded.symbols = std::move(stream.symbols);
  coded.bits = std::move(stream.bits);
  coded.label_bits = report.label_bits;
  coded.label_max_error.assign(report.label_max_error.begin(), report.label_max_error.end());
}

template <typename T>
Coded code_counts(std::span<const T> values, CountsLayout layout, const Fills& fills,
                  std::span<const std::uint8_t> good) {
  Coded coded;
  coded.engine = Engine::counts;
  coded.fills = fills.patterns;
  layout.fills = fills.map.empty()
                     ? std::vector<Rect>{}
                     : rects_of(fills.map, layout.grid.planes * layout.grid.ny, layout.grid.nx);
  CountsReport report;
  take(coded, encode_counts(values, layout, good, report), report);
  return coded;
}

// 64-bit integers whose range has 32 bits; nothing otherwise.
template <typename T>
std::optional<Coded> code_offset(std::span<const T> values, CountsLayout layout, const Fills& fills,
                                 std::span<const std::uint8_t> good) {
  T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::min();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!fills.map.empty() && fills.map[i] != 0) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  if (low > high) low = high = 0;
  const std::uint64_t base = static_cast<std::uint64_t>(low);
  if (static_cast<std::uint64_t>(high) - base > 0xFFFFFFFFu) return std::nullopt;
  // base + q is not clamped: what bins let q exceed the highest by must not pass the type's end.
  const std::uint64_t room =
      static_cast<std::uint64_t>(std::numeric_limits<T>::max()) - static_cast<std::uint64_t>(high);
  for (std::uint64_t& b : layout.bounds) b = std::min(b, room);
  std::vector<std::uint32_t> less(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    less[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(values[i]) - base);
  Coded coded = code_counts<std::uint32_t>(less, layout, fills, good);
  coded.engine = Engine::offset;
  coded.base = base;
  return coded;
}

template <typename T>
std::optional<Coded> code_scaled(std::span<const T> values, const CountsLayout& layout,
                                 const std::vector<Bound>& bounds, const Fills& fills,
                                 std::span<const std::uint8_t> good) {
  CountsReport report;
  auto scaled = encode_scaled(values, layout, bounds, fills, good, report);
  if (!scaled) return std::nullopt;
  Coded coded;
  coded.engine = Engine::scaled;
  coded.fills = fills.patterns;
  coded.step = scaled->step;
  coded.exact = std::move(scaled->exact);
  take(coded, std::move(scaled->stream), report);
  coded.label_max_error = std::move(scaled->label_max_error);
  return coded;
}

std::optional<Coded> code_bounded(const ArrayView& e, const CountsLayout& layout,
                                  const std::vector<Bound>& bounds, const Fills& fills,
                                  std::span<const std::uint8_t> good) {
  return visit(e.dtype, [&](auto zero) -> std::optional<Coded> {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>)
      return code_scaled<T>(e.as<T>(), layout, bounds, fills, good);
    else if constexpr (sizeof(T) == 8)
      return code_offset<T>(e.as<T>(), layout, fills, good);
    else
      return code_counts<T>(e.as<T>(), layout, fills, good);
  });
}

// Exact, for any bytes.
Coded code_exactly(const ArrayView& e, const Grid& grid, bool try_planes) {
  Coded best;
  best.data.assign(e.bytes().begin(), e.bytes().end());
  if (try_planes) {
    Coded planes;
    planes.engine = Engine::planes;
    planes.data = encode_planes(e.bytes(), size_of(e.dtype), is_float(e.dtype), grid);
    if (planes.size() < best.size()) best = std::move(planes);
  }
  Coded zstd;
  zstd.engine = Engine::zstd;
  zstd.data.resize(ZSTD_compressBound(e.size_bytes()));
  const std::size_t size =
      ZSTD_compress(zstd.data.data(), zstd.data.size(), e.data, e.size_bytes(), 3);
  if (ZSTD_isError(size) != 0) return best;
  zstd.data.resize(size);
  return zstd.size() < best.size() ? zstd : best;
}

std::vector<RegionInfo> region_infos(const CompressOptions& options, const Grid& grid,
                                     std::size_t count, std::span<const std::uint8_t> labels,
                                     const Coded& coded) {
  std::vector<RegionInfo> infos(options.regions.size() + 1);
  infos[0].kind = "default";
  infos[0].bound = options.bound;
  infos[0].elements = count;
  for (std::size_t r = 0; r < options.regions.size(); ++r) {
    infos[r + 1].kind = options.regions[r].kind;
    infos[r + 1].bound = options.regions[r].bound;
  }
  for (std::uint8_t label : labels) {
    if (label == 0) continue;
    infos[label].elements += grid.planes;
    infos[0].elements -= grid.planes;
  }
  // Shares of the bytes as the tables model them; what belongs to no element goes to the default.
  std::uint64_t shared = 0;
  for (std::size_t r = 1; r < infos.size(); ++r) {
    const double share = coded.label_bits.empty()
                             ? static_cast<double>(coded.size()) *
                                   static_cast<double>(infos[r].elements) /
                                   static_cast<double>(std::max<std::size_t>(count, 1))
                             : coded.label_bits[r] / 8;
    infos[r].bytes = std::min(coded.size() - shared, static_cast<std::uint64_t>(share));
    shared += infos[r].bytes;
  }
  infos[0].bytes = coded.size() - shared;
  for (std::size_t r = 0; r < infos.size(); ++r)
    if (r < coded.label_max_error.size()) infos[r].max_error = coded.label_max_error[r];
  return infos;
}

Result<Bytes> encode(const ArrayView& elements, const CompressOptions& options) {
  const std::size_t count = elements.count();
  const Grid grid = grid_of(elements.shape, options.regions.size() + 1);
  const Grid image = grid_of(elements.shape, 2);
  ETALON_TRY(check(elements, options, image.plane()));
  const std::vector<std::uint8_t> labels = labels_of(options, image.plane());

  Coded coded;
  std::vector<Bound> bounds = {options.bound};
  for (const Region& r : options.regions) bounds.push_back(r.bound);
  if (count != 0) {
    CountsLayout layout;
    layout.grid = grid;
    for (const Bound& b : bounds) layout.bounds.push_back(integer_bound(b, elements.dtype));
    layout.regions = labels.empty() ? std::vector<Rect>{} : rects_of(labels, grid.ny, grid.nx);
    // The mask covers an image; where small planes were laid below one another it is repeated.
    std::vector<std::uint8_t> good = options.mask;
    if (!good.empty() && grid.plane() != image.plane())
      for (std::size_t p = 1; p < image.planes; ++p)
        good.insert(good.end(), options.mask.begin(), options.mask.end());
    const Fills fills = find_fills(elements, grid, good);
    std::optional<Coded> bounded = code_bounded(elements, layout, bounds, fills, good);
    if (bounded && bounded->size() * 10 < elements.size_bytes() * 9) {
      coded = std::move(*bounded);
    } else {
      coded = code_exactly(elements, grid, !bounded || is_float(elements.dtype));
      if (bounded && bounded->size() < coded.size()) coded = std::move(*bounded);
    }
  }
  ChunkParts parts;
  parts.head.dtype = elements.dtype;
  parts.head.shape = elements.shape;
  parts.head.engine = coded.engine;
  parts.head.regions = region_infos(options, image, count, labels, coded);
  parts.head.fills = coded.fills;
  parts.head.step = coded.step;
  parts.head.base = coded.base;
  parts.side = coded.side;
  parts.symbols = coded.symbols;
  parts.bits = coded.bits;
  parts.exact = coded.exact;
  parts.data = coded.data;
  return assemble_chunk(parts);
}

}  // namespace

Result<std::vector<std::byte>> encode_chunk(const ArrayView& elements,
                                            const CompressOptions& options) {
  try {
    return encode(elements, options);
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("compress: ") + e.what()};
  }
}

}  // namespace etalon
