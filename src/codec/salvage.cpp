#include "etalon/salvage.hpp"

#include <cstring>
#include <limits>
#include <optional>

#include "base/crc32c.hpp"
#include "codec/boxes.hpp"
#include "codec/chunk_format.hpp"
#include "codec/container_format.hpp"

namespace etalon {
namespace {

using namespace codec;

Error nothing_left(const std::string& why) {
  return {Errc::malformed, "container: " + why + ", and no whole chunk is left"};
}

void fill_with_nothing(const MutableArrayView& out) {
  visit(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr T nothing = std::is_floating_point_v<T> ? std::numeric_limits<T>::quiet_NaN() : T(0);
    std::fill_n(out.as<T>().data(), out.count(), nothing);
  });
}

// The size in the head of a section of a chunk, if there is one at `at`.
std::optional<std::uint64_t> chunk_section(ByteSpan bytes, std::size_t at) {
  if (bytes.size() - at < section_head_bytes || std::memcmp(bytes.data() + at, "CHNK", 4) != 0)
    return std::nullopt;
  std::uint64_t size;
  std::uint32_t checksum;
  std::memcpy(&size, bytes.data() + at + 4, 8);
  std::memcpy(&checksum, bytes.data() + at + 12, 4);
  if (crc32c(bytes.subspan(at, 12)) != checksum) return std::nullopt;
  return size;
}

std::vector<ChunkPlace> find_chunks(ByteSpan bytes) {
  std::vector<ChunkPlace> places;
  for (std::size_t at = 0; at + section_head_bytes <= bytes.size();) {
    const void* const next = std::memchr(bytes.data() + at, 'C', bytes.size() - at);
    if (next == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(next) - bytes.data());
    const auto size = chunk_section(bytes, at);
    if (!size) {
      ++at;
      continue;
    }
    at += section_head_bytes;
    if (*size > bytes.size() - at) break;  // the file was cut
    places.push_back({at, *size});
    at += *size;
  }
  return places;
}

// An index of the chunks that were found, one after the other along the first axis.
Result<ContainerIndex> index_of(ByteSpan bytes, const std::string& damage) {
  ContainerIndex index;
  index.chunks = find_chunks(bytes);
  bool any = false;
  std::size_t last_extent = 0;
  for (const ChunkPlace& place : index.chunks) {
    const auto parts = parse_chunk(bytes.subspan(place.offset, place.size));
    if (!parts.ok()) {
      last_extent = index.chunk_shape.rank() == 0 ? 1 : index.chunk_shape[0];
      continue;
    }
    const ChunkHead& head = parts->head;
    if (!any) {
      index.dtype = head.dtype;
      index.chunk_shape = head.shape;
    }
    any = true;
    last_extent = head.shape.rank() == 0 ? 1 : head.shape[0];
  }
  if (!any) return nothing_left(damage);
  index.shape = index.chunk_shape;
  if (index.shape.rank() == 0) index.chunks.resize(1);
  if (index.shape.rank() != 0)
    index.shape[0] = (index.chunks.size() - 1) * index.chunk_shape[0] +
                     std::min(last_extent, index.chunk_shape[0]);
  return index;
}

Result<void> put_chunk(ByteSpan chunk, const ContainerIndex& index, std::size_t i, Array& array) {
  ETALON_ASSIGN(const auto parts, parse_chunk(chunk));
  const ChunkBox box = chunk_box(index, i);
  if (parts.head.dtype != index.dtype || !(parts.head.shape == box.extent))
    return Error{Errc::malformed, "chunk: has another type or shape than its place"};
  ETALON_ASSIGN(const Array piece, decode_chunk(chunk));
  copy_box(piece.view().data, box.extent, zeros(box.extent.rank()), array.mutable_view().data,
           index.shape, box.origin, box.extent, size_of(index.dtype));
  return {};
}

// Whether the chunks' bytes could hold what the index declares, as is asked of whole containers.
Result<void> check_plausible(const ContainerIndex& index) {
  const std::size_t size = size_of(index.dtype);
  for (std::size_t i = 0; i < index.chunks.size(); ++i)
    if (chunk_box(index, i).extent.count() > plausible_raw_bytes(index.chunks[i].size) / size)
      return Error{Errc::malformed, "container: declares more elements than its bytes can hold"};
  return {};
}

}  // namespace

Result<Salvage> salvage(std::span<const std::byte> container) {
  try {
    Salvage found;
    auto index = parse_container(container);
    if (!index.ok()) {
      found.damage = index.error().message;
      index = index_of(container, found.damage);
      if (!index.ok()) return std::move(index).error();
    }
    ETALON_TRY(check_plausible(*index));
    found.array = Array(index->dtype, index->shape);
    fill_with_nothing(found.array.mutable_view());
    for (std::size_t i = 0; i < index->chunks.size(); ++i) {
      const ChunkPlace& place = index->chunks[i];
      const auto put =
          put_chunk(container.subspan(place.offset, place.size), *index, i, found.array);
      found.chunks.push_back({place.offset, put.ok() ? std::string() : put.error().message});
    }
    if (!found.chunks.empty() && found.whole() == 0) return nothing_left(found.chunks[0].lost);
    return found;
  } catch (const std::exception& e) {
    return Error{Errc::io, std::string("salvage: ") + e.what()};
  }
}

}  // namespace etalon
