#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>

#include "codec/boxes.hpp"
#include "codec/chunk_format.hpp"
#include "codec/dither.hpp"
#include "codec/field_loops.hpp"
#include "codec/fields.hpp"
#include "codec/groups.hpp"
#include "codec/mapped.hpp"
#include "codec/packed.hpp"
#include "codec/planes.hpp"
#include "codec/preview.hpp"
#include "codec/scaled.hpp"
#include "codec/scratch.hpp"

namespace etalon {
namespace {

using namespace codec;

Error bad(const std::string& reason) { return {Errc::malformed, "chunk: " + reason}; }

void apply_fills(const CountsLayout& layout, const ChunkHead& head, std::byte* out) {
  const std::size_t size = size_of(head.dtype);
  for_each_row(layout.fills, layout.grid.nx,
               [&](std::size_t at, std::size_t length, std::uint8_t label) {
                 if (label > head.fills.size()) return;
                 const std::uint64_t pattern = head.fills[label - 1u];
                 for (std::size_t i = at; i < at + length; ++i)
                   std::memcpy(out + i * size, &pattern, size);
               });
}

template <typename T>
Result<CountsLayout> counts_of(const ChunkParts& parts, const Grid& grid, std::size_t fills,
                               std::span<T> out) {
  CountsLayout layout;
  layout.grid = grid;
  ETALON_TRY(decode_counts<T>({parts.side, parts.symbols, parts.bits, parts.escapes},
                              parts.head.regions.size(), fills, layout, out));
  return layout;
}

template <typename T>
Result<void> decode_offset(const ChunkParts& parts, const Grid& grid, std::span<T> out) {
  std::vector<std::uint32_t> less(out.size());
  ETALON_ASSIGN(const auto layout,
                counts_of<std::uint32_t>(parts, grid, parts.head.fills.size(), less));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(parts.head.base + less[i]);
  apply_fills(layout, parts.head, reinterpret_cast<std::byte*>(out.data()));
  return {};
}

template <typename T>
Result<void> decode_scaled(const ChunkParts& parts, const Grid& grid, std::span<T> out) {
  Scratch<std::int32_t> numbers(out.size());
  const std::span<std::int32_t> q = numbers.span();
  const std::size_t exact_label = parts.head.fills.size() + 1;
  ETALON_ASSIGN(const auto layout, counts_of<std::int32_t>(parts, grid, exact_label, q));
  std::vector<Scale> scales;
  for (const RegionInfo& r : parts.head.regions)
    scales.push_back(Scale::of<T>(r.bound, parts.head.step));
  if (scales.size() == 1 && scales[0].is_common_grid() && !parts.head.dither) {
    from_grid(q.data(), q.size(), parts.head.step, out.data());
  } else {
    const std::vector<std::uint8_t> labels = label_plane(layout);
    const std::size_t plane = grid.plane();
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Scale& scale = scales[labels.empty() ? 0 : labels[i % plane]];
      const double dither = parts.head.dither && scale.is_common_grid()
                                ? unit_dither(dither_bits(parts.head.seed, i))
                                : 0;
      out[i] = scale.value<T>(q[i], dither);
    }
  }
  apply_fills(layout, parts.head, reinterpret_cast<std::byte*>(out.data()));
  // Exact elements lie in the order of the array, not of the rectangles.
  std::vector<std::uint8_t> exact(layout.fills.empty() ? 0 : out.size());
  std::size_t count = 0;
  for_each_row(layout.fills, grid.nx, [&](std::size_t at, std::size_t length, std::uint8_t label) {
    std::memset(exact.data() + at, label == exact_label, length);
  });
  for (std::uint8_t e : exact) count += e;
  if ((count == 0) != parts.exact.empty()) return bad("exact elements do not match their map");
  if (count == 0) return {};
  std::vector<T> kept(count);
  ETALON_TRY(decode_planes(parts.exact, sizeof(T), true, Grid{1, 1, count},
                           std::as_writable_bytes(std::span(kept))));
  const T* next = kept.data();
  for (std::size_t i = 0; i < exact.size(); ++i)
    if (exact[i] != 0) out[i] = *next++;
  return {};
}

// The nearest integer, the upper one of two, held to the type's range; the lowest one for NaN.
template <typename T>
T rounded(double v) {
  constexpr double low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  const double held = v > low ? std::min(v, high) : low;
  const auto down = static_cast<std::int64_t>(held + 0.5);
  return static_cast<T>(down - (static_cast<double>(down) > held + 0.5));
}

// The same for every 2^level-th element along every axis.
void apply_fills(const CountsLayout& layout, const ChunkHead& head, std::size_t level,
                 const MutableArrayView& out) {
  if (level == 0) return apply_fills(layout, head, out.data);
  if (layout.fills.empty()) return;
  std::vector<std::byte> all(layout.grid.count()), labels(out.count());
  for_each_row(layout.fills, layout.grid.nx,
               [&](std::size_t at, std::size_t length, std::uint8_t label) {
                 std::memset(all.data() + at, label, length);
               });
  copy_steps(all.data(), head.shape, zeros(head.shape.rank()), std::size_t{1} << level,
             labels.data(), out.shape, 1);
  const std::size_t size = size_of(head.dtype);
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (const auto label = std::to_integer<std::size_t>(labels[i]);
        label > 0 && label <= head.fills.size())
      std::memcpy(out.data + i * size, &head.fills[label - 1], size);
}

template <typename T>
Result<void> decode_field(const ChunkParts& parts, const Grid& grid, std::size_t level,
                          const MutableArrayView& out) {
  CountsLayout layout;
  layout.grid = grid;
  Tolerances tolerances;
  const auto decode = [&]<typename V>(std::span<V> field) {
    return decode_fields<V>({parts.side, parts.symbols, parts.bits, {}}, parts.exact,
                            parts.head.shape, parts.head.allowance, tolerances,
                            parts.head.fills.size(), level, layout, field);
  };
  if constexpr (std::is_floating_point_v<T>) {
    for (const RegionInfo& r : parts.head.regions) tolerances.push_back(r.bound.tolerance(0));
    ETALON_TRY(decode(out.as<T>()));
  } else {
    for (const RegionInfo& r : parts.head.regions)
      tolerances.push_back(field_tolerance(integer_bound(r.bound, parts.head.dtype)));
    const auto field = page_array<FieldOf<T>>(out.count());
    ETALON_TRY(decode(std::span(field.get(), out.count())));
    for (std::size_t i = 0; i < out.count(); ++i) out.as<T>()[i] = rounded<T>(field[i]);
  }
  apply_fills(layout, parts.head, level, out);
  return {};
}

Result<void> decode_elements(const ChunkParts& parts, const MutableArrayView& out) {
  const ChunkHead& head = parts.head;
  const Grid grid = grid_of(head.shape, head.regions.size(), head.planes);
  switch (head.engine) {
    case Engine::stored:
      if (parts.data.size() != out.size_bytes())
        return bad("stored bytes are not as many as declared");
      if (!parts.data.empty()) std::memcpy(out.data, parts.data.data(), parts.data.size());
      return {};
    case Engine::zstd: {
      const std::size_t size =
          ZSTD_decompress(out.data, out.size_bytes(), parts.data.data(), parts.data.size());
      if (ZSTD_isError(size) != 0 || size != out.size_bytes()) return bad("zstd frame is damaged");
      return {};
    }
    case Engine::planes:
      return decode_planes(parts.data, size_of(head.dtype), is_float(head.dtype), grid,
                           out.bytes());
    case Engine::packed:
      return visit(head.dtype, [&](auto zero) {
        using T = decltype(zero);
        return decode_packed(parts.data, head.regions[0].bound.tolerance(0), out.as<T>());
      });
    default:
      break;
  }
  if (out.count() == 0) return bad("no elements to code");
  return visit(head.dtype, [&](auto zero) -> Result<void> {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>) {
      return head.engine == Engine::fields ? decode_field<T>(parts, grid, 0, out)
                                           : decode_scaled<T>(parts, grid, out.as<T>());
    } else {
      if constexpr (std::is_signed_v<T>)
        if (head.engine == Engine::dithered) {
          ETALON_ASSIGN(const auto layout, decode_dithered<T>(parts, grid, out.as<T>()));
          apply_fills(layout, head, out.data);
          return {};
        }
      if constexpr (sizeof(T) <= 4)
        if (head.engine == Engine::fields) return decode_field<T>(parts, grid, 0, out);
      if constexpr (sizeof(T) == 8) {
        return decode_offset<T>(parts, grid, out.as<T>());
      } else {
        ETALON_ASSIGN(const auto layout,
                      head.engine == Engine::binned
                          ? decode_binned<T>(parts, grid, out.as<T>())
                          : counts_of<T>(parts, grid, head.fills.size(), out.as<T>()));
        apply_fills(layout, head, out.data);
        return {};
      }
    }
  });
}

Result<void> decode_into(const ChunkParts& parts, const MutableArrayView& out) {
  auto done = decode_elements(parts, out);
  if (done.ok()) return done;
  Error error = std::move(done).error();
  return error.message.starts_with("chunk:") ? std::move(error) : std::move(error).in("chunk");
}

}  // namespace

Result<void> codec::decode_field_level(const ChunkParts& parts, std::size_t level,
                                       const MutableArrayView& out) {
  if (out.count() == 0) return bad("no elements to code");
  return visit(parts.head.dtype, [&](auto zero) -> Result<void> {
    using T = decltype(zero);
    const ChunkHead& head = parts.head;
    if constexpr (std::is_floating_point_v<T> || sizeof(T) <= 4)
      return decode_field<T>(parts, grid_of(head.shape, head.regions.size(), head.planes), level,
                             out);
    else
      return bad("no field");
  });
}

Result<Array> decode_chunk(std::span<const std::byte> chunk) {
  try {
    ETALON_ASSIGN(const auto parts, parse_chunk(chunk));
    Array array(parts.head.dtype, parts.head.shape);
    ETALON_TRY(decode_into(parts, array.mutable_view()));
    return array;
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("decompress: ") + e.what()};
  }
}

Result<void> decode_chunk_into(std::span<const std::byte> chunk, const MutableArrayView& out) {
  try {
    ETALON_ASSIGN(const auto parts, parse_chunk(chunk));
    if (parts.head.dtype != out.dtype || !(parts.head.shape == out.shape))
      return bad("holds " + std::string(name_of(parts.head.dtype)) + " " +
                 to_string(parts.head.shape) + " where " + std::string(name_of(out.dtype)) + " " +
                 to_string(out.shape) + " is expected");
    return decode_into(parts, out);
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("decompress: ") + e.what()};
  }
}

Result<StreamInfo> inspect_chunk(std::span<const std::byte> chunk) try {
  ETALON_ASSIGN(const auto parts, parse_chunk(chunk));
  StreamInfo info;
  info.format = "etalon " + std::to_string(format_major) + "." + std::to_string(format_minor);
  info.dtype = parts.head.dtype;
  info.shape = info.chunk_shape = parts.head.shape;
  info.bound = parts.head.regions[0].bound;
  info.source = parts.head.source;
  info.raw_bytes = parts.head.shape.count() * size_of(parts.head.source);
  info.bytes = chunk.size();
  info.chunks = 1;
  info.regions = parts.head.regions;
  return info;
} catch (const std::exception& e) {
  return Error{Errc::io, std::string("inspect: ") + e.what()};
}

}  // namespace etalon
