#include "codec/chunk_labels.hpp"

#include "codec/chunk_format.hpp"
#include "codec/counts_model.hpp"
#include "codec/dither.hpp"
#include "codec/field_model.hpp"
#include "codec/mapped.hpp"

namespace etalon::codec {

Result<ChunkLabels> chunk_labels(ByteSpan chunk) {
  ETALON_ASSIGN(const ChunkParts parts, parse_chunk(chunk));
  const ChunkHead& head = parts.head;
  ChunkLabels found{head.regions, {}};
  const bool mapped = head.engine == Engine::counts || head.engine == Engine::scaled ||
                      head.engine == Engine::offset || head.engine == Engine::binned ||
                      head.engine == Engine::dithered || head.engine == Engine::fields;
  if (!mapped || head.regions.size() == 1) return found;

  CountsLayout layout;
  layout.grid = grid_of(head.shape, head.regions.size(), head.planes);
  SideDecoder side(parts.side);
  CountsModel model;
  const bool exact_fill = head.engine == Engine::scaled;
  const bool is_unsigned =
      head.engine == Engine::offset ||
      ((head.engine == Engine::counts || head.engine == Engine::binned) && !is_signed(head.dtype));
  if (head.engine == Engine::dithered)
    for (const RegionInfo& r : head.regions)
      layout.hints.push_back(
          dither_hints(integer_bound(r.bound, head.source), head.regions.size()));
  const std::size_t fills = head.fills.size() + (exact_fill ? 1 : 0);
  if (head.engine == Engine::fields) {
    auto read = get_field_layout(side, layout, head.regions.size(), fills);
    if (!read.ok()) return std::move(read).error().in("chunk");
  } else {
    auto read = get_model(side, model, layout, head.regions.size(), fills, is_unsigned);
    if (!read.ok()) return std::move(read).error().in("chunk");
  }

  found.labels = label_plane(layout);
  std::vector<std::uint64_t> elements(head.regions.size());
  for (std::uint8_t label : found.labels) elements[label] += layout.grid.planes;
  for (std::size_t r = 0; r < elements.size(); ++r)
    if (elements[r] != head.regions[r].elements)
      return Error{Errc::malformed, "chunk: region " + head.regions[r].kind + " covers " +
                                        std::to_string(elements[r]) + " elements and declares " +
                                        std::to_string(head.regions[r].elements)};
  return found;
}

}  // namespace etalon::codec
