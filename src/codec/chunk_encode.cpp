#include <zstd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <exception>

#include "codec/chunk_format.hpp"
#include "codec/coded.hpp"
#include "codec/mapped.hpp"
#include "codec/packed.hpp"
#include "codec/planes.hpp"
#include "codec/scratch.hpp"
#include "codec/small_planes.hpp"

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
  const std::size_t plane = image.plane(), n = elements.count();
  if (options.level < least_level || options.level > most_level)
    return usage("level " + std::to_string(options.level) + " is not from 1 to 9");
  ETALON_TRY(check_bound(options.bound, options.dither));
  if (options.dither && !is_float(elements.dtype) && size_of(elements.dtype) == 8)
    return usage("integers of 64 bits cannot be dithered");
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
    if (!r.where.empty() && r.where.size() != plane && r.where.size() != n)
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

bool has_whole_map(const CompressOptions& options, const Grid& image) {
  return std::any_of(options.regions.begin(), options.regions.end(), [&](const Region& r) {
    return !r.where.empty() && r.where.size() != image.plane();
  });
}

// Of the whole chunk. Later regions win.
std::vector<std::uint8_t> whole_labels_of(const CompressOptions& options, const Grid& image) {
  std::vector<std::uint8_t> labels(image.count());
  for (std::size_t r = 0; r < options.regions.size(); ++r) {
    const Region& region = options.regions[r];
    const std::vector<std::uint8_t> own =
        region.where.size() == labels.size() ? region.where : region.members(image.ny, image.nx);
    for (std::size_t first = 0; first < labels.size(); first += own.size())
      for (std::size_t i = 0; i < own.size(); ++i)
        if (own[i] != 0) labels[first + i] = static_cast<std::uint8_t>(r + 1);
  }
  return labels;
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
                     bool whole, CountsLayout& layout) {
  if (labels.empty()) return {};
  std::array<std::uint8_t, 256> other{};  // a label that is no square's
  bool are_others = false;
  for (std::size_t r = 0; r < options.regions.size(); ++r) {
    Squares squares;
    if (!whole) squares = squares_of(options.regions[r], r + 1);
    if (!squares.centres.empty() && are_codable(squares, layout.grid.ny, layout.grid.nx)) {
      layout.squares.push_back(std::move(squares));
    } else {
      other[r + 1] = static_cast<std::uint8_t>(r + 1);
      are_others = true;
    }
  }
  if (!are_others) return {};
  std::vector<std::uint8_t> others(labels.begin(), labels.end());
  for (std::uint8_t& label : others) label = other[label];
  layout.regions = rects_of(others, layout.grid.ny, layout.grid.nx);
  if (layout.regions.size() > max_rects)
    return usage("regions fall into more than 2^22 rectangles");
  return {};
}

std::optional<Coded> code_bounded(const ArrayView& e, Task task) {
  return visit(e.dtype, [&](auto zero) -> std::optional<Coded> {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>)
      return code_floats<T>(e.as<T>(), e.shape, task);
    else
      return code_integers<T>(e.as<T>(), e.shape, std::move(task));
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
  std::optional<Coded> best;
  std::size_t least = e.size_bytes();
  if (try_planes) {
    Coded planes;
    planes.engine = Engine::planes;
    planes.data = encode_planes(e.bytes(), size_of(e.dtype), is_float(e.dtype), grid);
    if (planes.size() < least) {
      least = planes.size();
      best = std::move(planes);
    }
  }
  Scratch<std::byte> room(ZSTD_compressBound(e.size_bytes()));
  const std::size_t size =
      ZSTD_compress(room.data(), room.size(), e.data, e.size_bytes(), zstd_level);
  if (ZSTD_isError(size) == 0 && size < least) {
    best.emplace();
    best->engine = Engine::zstd;
    best->data.assign(room.data(), room.data() + size);
  }
  if (best) return std::move(*best);
  Coded stored;
  stored.data.assign(e.bytes().begin(), e.bytes().end());
  return stored;
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

// Of the elements that are in regions, which are few.
template <typename F>
void for_each_label(std::span<const std::uint8_t> labels, F&& f) {
  std::size_t i = 0;
  for (std::uint64_t eight; i + 8 <= labels.size(); i += 8) {
    std::memcpy(&eight, labels.data() + i, 8);
    if (eight == 0) continue;
    for (std::size_t j = i; j < i + 8; ++j)
      if (labels[j] != 0) f(labels[j]);
  }
  for (; i < labels.size(); ++i)
    if (labels[i] != 0) f(labels[i]);
}

std::vector<RegionInfo> region_infos(const CompressOptions& options, std::size_t count,
                                     std::span<const std::uint8_t> labels, const Coded& coded) {
  const std::size_t planes = labels.empty() ? 1 : count / labels.size();
  std::vector<RegionInfo> infos(options.regions.size() + 1);
  infos[0].kind = "default";
  infos[0].bound = options.bound;
  infos[0].elements = count;
  for (std::size_t r = 0; r < options.regions.size(); ++r) {
    infos[r + 1].kind = options.regions[r].kind;
    infos[r + 1].bound = options.regions[r].bound;
  }
  for_each_label(labels, [&](std::uint8_t label) {
    infos[label].elements += planes;
    infos[0].elements -= planes;
  });
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

// What a chunk is coded for, whatever its grid.
struct Wish {
  const ArrayView& elements;
  const CompressOptions& options;
  Grid image;
  Planes planes;
  std::vector<std::uint8_t> labels;
  Task task;  // without layout, mask and fills
  bool changes_type = false;
};

Wish wish_of(const ArrayView& elements, const CompressOptions& options) {
  Wish wish{elements, options, grid_of(elements.shape, 2), Planes::small_joined, {}, {}};
  if (has_whole_map(options, wish.image)) wish.planes = Planes::joined;
  wish.labels = wish.planes == Planes::joined ? whole_labels_of(options, wish.image)
                                              : labels_of(options, wish.image);
  Task& task = wish.task;
  task.bounds = {options.bound};
  for (const Region& r : options.regions) task.bounds.push_back(r.bound);
  for (const Bound& b : task.bounds) task.layout.bounds.push_back(integer_bound(b, elements.dtype));
  const bool integers = !is_float(elements.dtype);
  wish.changes_type =
      options.dither && integers && dithered_dtype(elements.dtype) != elements.dtype;
  // Where nothing is quantized there is nothing to dither.
  const bool quantized = integers
                             ? std::any_of(task.layout.bounds.begin(), task.layout.bounds.end(),
                                           [](std::uint64_t b) { return b != 0; })
                             : std::any_of(task.bounds.begin(), task.bounds.end(),
                                           [](const Bound& b) { return b.tolerance(0) > 0; });
  if (options.dither && (quantized || wish.changes_type)) task.dither = options.seed;
  task.level = options.level;
  return wish;
}

Result<Coded> code(const Wish& wish, Planes planes) {
  const auto& [elements, options, image, wished, labels, common, changes_type] = wish;
  const Grid grid = grid_of(elements.shape, options.regions.size() + 1, planes);
  Task task = common;
  task.layout.grid = grid;
  task.without_fields = planes != wished;
  ETALON_TRY(lay_out(options, labels, planes == Planes::joined, task.layout));
  // The mask covers an image; where planes were laid below one another it is repeated.
  std::vector<std::uint8_t> repeated_mask;
  task.good = options.mask;
  if (!task.good.empty() && grid.plane() != image.plane()) {
    for (std::size_t p = 0; p < image.planes; ++p)
      repeated_mask.insert(repeated_mask.end(), options.mask.begin(), options.mask.end());
    task.good = repeated_mask;
  }
  task.fills = find_fills(elements, grid, task.good);
  std::optional<Coded> bounded = code_bounded(elements, std::move(task));
  if (!bounded && changes_type)
    return usage("an element above 2^31 - 1 outside the dithered regions has no place in " +
                 std::string(name_of(dithered_dtype(elements.dtype))));
  const bool thorough = options.level >= most_level;
  if (bounded && (changes_type || (!thorough && bounded->size() * 10 < elements.size_bytes() * 9)))
    return std::move(*bounded);
  Coded coded = code_exactly(elements, grid, thorough || !bounded || is_float(elements.dtype),
                             thorough ? 12 : 3);
  if (bounded && bounded->size() < coded.size()) coded = std::move(*bounded);
  std::optional<Coded> packed;
  if (thorough) packed = code_packed(elements, options);
  return packed && packed->size() < coded.size() ? std::move(*packed) : std::move(coded);
}

// Chunks that nothing was written to, as HDF5 makes them: no engine has to find out.
bool is_constant(const ArrayView& e) {
  const std::size_t size = size_of(e.dtype);
  return e.count() > 1 && std::memcmp(e.data, e.data + size, e.size_bytes() - size) == 0;
}

Result<Bytes> encode(const ArrayView& elements, const CompressOptions& options) {
  ETALON_TRY(check(elements, options, grid_of(elements.shape, 2)));
  Wish wish = wish_of(elements, options);
  const std::size_t count = elements.count(), regions = options.regions.size() + 1;
  Coded coded;
  std::optional<Coded> at_speed;
  if (count != 0 && options.level == 1)
    at_speed = code_at_speed(elements, grid_of(elements.shape, regions, wish.planes), options);
  if (at_speed) {
    coded = std::move(*at_speed);
  } else if (!options.dither && is_constant(elements)) {
    coded = code_exactly(elements, {}, false, 1);
  } else if (count != 0) {
    const bool small_planes = has_small_planes(elements.shape, regions);
    if (small_planes && !options.dither && options.level >= default_level &&
        options.level < every_way_level && count <= few_elements)
      wish.planes = layout_of_small_planes(elements, options.bound);
    ETALON_ASSIGN(coded, code(wish, wish.planes));
    if (options.level >= every_way_level && small_planes) {
      ETALON_ASSIGN(Coded apart, code(wish, Planes::apart));
      if (apart.size() < coded.size()) {
        coded = std::move(apart);
        wish.planes = Planes::apart;
      }
    }
  }
  ChunkParts parts;
  parts.head.dtype = wish.changes_type ? dithered_dtype(elements.dtype) : elements.dtype;
  parts.head.source = elements.dtype;
  parts.head.dither = coded.dither;
  parts.head.seed = options.seed;
  parts.head.shape = elements.shape;
  parts.head.engine = coded.engine;
  parts.head.regions = region_infos(options, count, wish.labels, coded);
  parts.head.planes = wish.planes;
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
