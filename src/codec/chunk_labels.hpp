// Where a chunk's regions lie, read from the chunk alone.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

struct ChunkLabels {
  std::vector<RegionInfo> regions;   // [0] is the default, as in inspect_chunk
  std::vector<std::uint8_t> labels;  // (y, x), or the chunk's elements: places in `regions`. Empty
                                     // when there is only the default, and for a chunk that is
                                     // coded exactly: such a one keeps no map
};

// Errc::malformed when the map does not give every region the elements that the head declares.
Result<ChunkLabels> chunk_labels(ByteSpan chunk);

}  // namespace etalon::codec
