#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

#include "codec/chunk_format.hpp"
#include "codec/coded.hpp"
#include "codec/mapped.hpp"
#include "codec/packed.hpp"
#include "codec/planes.hpp"

namespace etalon {
namespace {

using namespace codec;

Error usage(const std::string& reason) { return {Errc::usage, "compress: " + reason}; }

Result<void> check_bound(const Bound& bound, bool dither) {
  const double numbers[] = {bound.value, bound.gain, bound.noise, bound.high - bound.low};
  for (double number : numbers)
    if (!(number >= 0 && std::isfinite(number)))
      return usage("bound " + to_string(bound) + ": its numbers must be finite and >= 0");
  if (bound.kind == Bound::Kind::pwrel && bound.value >= 1)
    return usage("bound " + to_string(bound) + ": a relative error of 1 or more keeps nothing");
  if (bound.kind == Bound::Kind::rel && bound.low == 0 && bound.high == 0)
    return usage("bound " + to_string(bound) +
                 ": the range of the whole array is not known here; give it as " +
                 to_string(bound) + ",range=A..B");
  if (dither && grows_with_value(bound))
    return usage("bound " + to_string(bound) +
                 ": only steps of one width can be dithered: abs and rel bounds");
  return {};
}

Result<void> check(const ArrayView& elements, const CompressOptions& options, const Grid& image) {
  const std::size_t plane = image.plane();
  if (options.level < least_level || options.level > most_level)
    return usage("level " + std::to_string(options.level) + " is not from 1 to 9");
  ETALON_TRY(check_bound(options.bound, options.dither));
  if (options.dither && !is_float(elements.dtype) && size_of(elements.dtype) == 8)
    return usage("integers of 64 bits cannot be dithered");
  const std::size_t n = elements.count();
  if (n > max_chunk_raw_bytes / size_of(elements.dtype))
    return usage("a chunk of shape " + to_string(elements.shape) +
                 " is larger than 1 GiB; choose a smaller chunk shape");
  if (options.regions.size() >= max_labels) return usage("more than 15 regions");
  for (const Region& r : options.regions) {
    ETALON_TRY(check_bound(r.bound, options.dither));
    if (r.kind.size() > 32) return usage("a region's name is longer than 32 bytes");
    if (!r.centres.empty() && !r.where.empty())
      return usage("region '" + r.kind + "' has both a map and centres");
    if (r.half > 1024) return usage("region '" + r.kind + "': squares reach farther than 1024");
    for (const Region::Centre& c : r.centres)
      if (c.y >= image.ny || c.x >= image.nx)
        return usage("region '" + r.kind + "' has a centre outside the image");
    if (!r.where.empty() && r.where.size() != plane)
      return usage("region '" + r.kind + "' covers " + std::to_string(r.where.size()) +
                   " pixels, images have " + std::to_string(plane));
  }
  if (!options.mask.empty() && options.mask.size() != plane)
    return usage("the mask covers " + std::to_string(options.mask.size()) +
                 " pixels, images have " + std::to_string(plane));
  return {};
}

Squares squares_of(const Region& region, std::size_t label) {
  Squares s{static_cast<std::uint8_t>(label), region.half, {}};
  for (const Region::Centre& c : region.centres) s.centres.push_back({c.y, c.x});
  std::sort(s.centres.begin(), s.centres.end());
  s.centres.erase(std::unique(s.centres.begin(), s.centres.end()), s.centres.end());
  return s;
}

// Later regions win. Empty when there are none.
std::vector<std::uint8_t> labels_of(const CompressOptions& options, const Grid& image) {
  if (options.regions.empty()) return {};
  std::vector<std::uint8_t> labels(image.plane());
  for (std::size_t r = 0; r < options.regions.size(); ++r) {
    const Region& region = options.regions[r];
    const auto label = static_cast<std::uint8_t>(r + 1);
    for (std::size_t i = 0; i < region.where.size(); ++i)
      if (region.where[i] != 0) labels[i] = label;
    for_each_pixel(squares_of(region, label), image.ny, image.nx,
                   [&](std::size_t i, std::ptrdiff_t, std::ptrdiff_t) { labels[i] = label; });
  }
  return labels;
}

// Regions of squares as such where they can be, the others as rectangles of what is theirs.
Result<void> lay_out(const CompressOptions& options, std::span<const std::uint8_t> labels,
                     CountsLayout& layout) {
  if (labels.empty()) return {};
  std::vector<std::uint8_t> others(labels.begin(), labels.end());
  for (std::size_t r = 0; r < options.regions.size(); ++r) {
    if (options.regions[r].centres.empty()) continue;
    Squares squares = squares_of(options.regions[r], r + 1);
    if (!are_codable(squares, layout.grid.ny, layout.grid.nx)) continue;
    layout.squares.push_back(std::move(squares));
    std::replace(others.begin(), others.end(), static_cast<std::uint8_t>(r + 1), std::uint8_t{0});
  }
  layout.regions = rects_of(others, layout.grid.ny, layout.grid.nx);
  if (layout.regions.size() > max_rects)
    return usage("regions fall into more than 2^22 rectangles");
  return {};
}

template <typename T>
Coded code_counts(std::span<const T> values, Task task) {
  Coded coded;
  coded.engine = Engine::counts;
  coded.fills = task.fills.patterns;
  task.layout.fills = task.fills.rects;
  CountsReport report;
  if (std::any_of(task.bounds.begin(), task.bounds.end(), grows_with_value)) {
    coded.engine = Engine::binned;
    auto mapped = encode_binned(values, task.layout, task.bounds, task.fills, task.good, report);
    take(coded, std::move(mapped.stream), report);
    coded.label_max_error = std::move(mapped.label_max_error);
    return coded;
  }
  take(coded, encode_counts(values, task.layout, task.good, report), report);
  for (std::size_t label = 0; label < task.bounds.size(); ++label)
    coded.label_max_error[label] = task.bounds[label].error(0, coded.label_max_error[label]);
  return coded;
}

template <typename T>
std::optional<Coded> code_dithered(std::span<const T> values, Task task) {
  task.layout.fills = task.fills.rects;
  CountsReport report;
  auto mapped = encode_dithered(values, task.layout, task.bounds, task.fills, task.good,
                                *task.dither, report);
  if (!mapped) return std::nullopt;
  Coded coded;
  coded.engine = Engine::dithered;
  coded.dither = true;
  coded.fills = task.fills.patterns;
  take(coded, std::move(mapped->stream), report);
  coded.label_max_error = std::move(mapped->label_max_error);
  return coded;
}

// 64-bit integers whose range has 32 bits; nothing otherwise.
template <typename T>
std::optional<Coded> code_offset(std::span<const T> values, Task task) {
  T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::min();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!task.fills.map.empty() && task.fills.map[i] != 0) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  if (low > high) low = high = 0;
  const std::uint64_t base = static_cast<std::uint64_t>(low);
  if (static_cast<std::uint64_t>(high) - base > 0xFFFFFFFFu) return std::nullopt;
  // base + q is not clamped: what bins let q exceed the highest by must not pass the type's end.
  const std::uint64_t room =
      static_cast<std::uint64_t>(std::numeric_limits<T>::max()) - static_cast<std::uint64_t>(high);
  for (std::uint64_t& b : task.layout.bounds) b = std::min(b, room);
  // Bounds that grow with the value are kept by coding exactly.
  for (Bound& b : task.bounds)
    if (grows_with_value(b)) b = Bound::lossless();
  std::vector<std::uint32_t> less(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    less[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(values[i]) - base);
  Coded coded = code_counts<std::uint32_t>(less, std::move(task));
  coded.engine = Engine::offset;
  coded.base = base;
  return coded;
}

std::optional<Coded> code_bounded(const ArrayView& e, Task task) {
  return visit(e.dtype, [&](auto zero) -> std::optional<Coded> {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>)
      return code_floats<T>(e.as<T>(), e.shape, task);
    else if constexpr (sizeof(T) == 8)
      return code_offset<T>(e.as<T>(), std::move(task));
    else if (task.dither)
      return code_dithered<T>(e.as<T>(), std::move(task));
    else
      return code_counts<T>(e.as<T>(), std::move(task));
  });
}

// Blocks of one width, where the engine can do what is asked.
std::optional<Coded> code_packed(const ArrayView& e, const CompressOptions& options) {
  const Bound& bound = options.bound;
  if (!options.regions.empty() || options.dither || grows_with_value(bound) ||
      !packs(e.dtype, bound.tolerance(0)))
    return std::nullopt;
  Coded coded;
  coded.engine = Engine::packed;
  visit(e.dtype, [&](auto zero) {
    PackedStream packed = encode_packed(e.as<decltype(zero)>(), bound.tolerance(0));
    coded.data = std::move(packed.data);
    coded.label_max_error = {std::min(bound.error(0, packed.max_error), bound.value)};
  });
  return coded;
}

// Exact, for any bytes.
Coded code_exactly(const ArrayView& e, const Grid& grid, bool try_planes, int zstd_level) {
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
      ZSTD_compress(zstd.data.data(), zstd.data.size(), e.data, e.size_bytes(), zstd_level);
  if (ZSTD_isError(size) != 0) return best;
  zstd.data.resize(size);
  return zstd.size() < best.size() ? zstd : best;
}

// Level 1; nothing where only slower engines can do what is asked.
std::optional<Coded> code_at_speed(const ArrayView& e, const Grid& grid,
                                   const CompressOptions& options) {
  if (auto packed = code_packed(e, options)) {
    if (packed->size() < e.size_bytes()) return packed;
    Coded stored;
    stored.data.assign(e.bytes().begin(), e.bytes().end());
    return stored;
  }
  const bool exact = options.regions.empty() && !options.dither && !grows_with_value(options.bound);
  if (exact && options.bound.tolerance(0) == 0) return code_exactly(e, grid, false, 1);
  return std::nullopt;
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
  ETALON_TRY(check(elements, options, image));
  const std::vector<std::uint8_t> labels = labels_of(options, image);

  std::vector<std::uint8_t> repeated_mask;
  Task task;
  task.bounds = {options.bound};
  for (const Region& r : options.regions) task.bounds.push_back(r.bound);
  for (const Bound& b : task.bounds) task.layout.bounds.push_back(integer_bound(b, elements.dtype));
  const bool integers = !is_float(elements.dtype);
  // Where nothing is quantized there is nothing to dither.
  const bool quantized = integers
                             ? std::any_of(task.layout.bounds.begin(), task.layout.bounds.end(),
                                           [](std::uint64_t b) { return b != 0; })
                             : std::any_of(task.bounds.begin(), task.bounds.end(),
                                           [](const Bound& b) { return b.tolerance(0) > 0; });
  if (options.dither && quantized) task.dither = options.seed;
  const bool changes_type =
      options.dither && integers && dithered_dtype(elements.dtype) != elements.dtype;
  task.level = options.level;
  Coded coded;
  std::optional<Coded> at_speed;
  if (count != 0 && options.level == 1) at_speed = code_at_speed(elements, grid, options);
  if (at_speed) {
    coded = std::move(*at_speed);
  } else if (count != 0) {
    task.layout.grid = grid;
    ETALON_TRY(lay_out(options, labels, task.layout));
    // The mask covers an image; where small planes were laid below one another it is repeated.
    task.good = options.mask;
    if (!task.good.empty() && grid.plane() != image.plane()) {
      for (std::size_t p = 0; p < image.planes; ++p)
        repeated_mask.insert(repeated_mask.end(), options.mask.begin(), options.mask.end());
      task.good = repeated_mask;
    }
    task.fills = find_fills(elements, grid, task.good);
    if (changes_type) task.dither = options.seed;
    std::optional<Coded> bounded = code_bounded(elements, std::move(task));
    if (!bounded && changes_type)
      return usage("an element above 2^31 - 1 outside the dithered regions has no place in " +
                   std::string(name_of(dithered_dtype(elements.dtype))));
    const bool thorough = options.level >= most_level;
    if (bounded &&
        (changes_type || (!thorough && bounded->size() * 10 < elements.size_bytes() * 9))) {
      coded = std::move(*bounded);
    } else {
      coded = code_exactly(elements, grid, thorough || !bounded || is_float(elements.dtype),
                           thorough ? 12 : 3);
      if (bounded && bounded->size() < coded.size()) coded = std::move(*bounded);
      std::optional<Coded> packed;
      if (thorough) packed = code_packed(elements, options);
      if (packed && packed->size() < coded.size()) coded = std::move(*packed);
    }
  }
  ChunkParts parts;
  parts.head.dtype = changes_type ? dithered_dtype(elements.dtype) : elements.dtype;
  parts.head.source = elements.dtype;
  parts.head.dither = coded.dither;
  parts.head.seed = options.seed;
  parts.head.shape = elements.shape;
  parts.head.engine = coded.engine;
  parts.head.regions = region_infos(options, image, count, labels, coded);
  parts.head.fills = coded.fills;
  parts.head.step = coded.step;
  parts.head.base = coded.base;
  parts.head.allowance = coded.allowance;
  parts.side = coded.side;
  parts.symbols = coded.symbols;
  parts.bits = coded.bits;
  parts.exact = coded.exact;
  parts.data = coded.data;
  parts.escapes = coded.escapes;
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
