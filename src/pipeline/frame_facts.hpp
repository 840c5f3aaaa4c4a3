// What the ledger's records must hold of one frame: all that an edge keeps of it once the collector
// has it.
#pragma once

#include <optional>
#include <vector>

#include "stream/message.hpp"

namespace etalon {

struct FrameFacts {
  struct Chunk {
    FrameSum sum;
    std::uint64_t bytes = 0;
    bool checked = false;  // decoded again and compared
    bool operator==(const Chunk&) const = default;
  };
  std::uint64_t number = 0, peaks = 0;
  FrameSum raw_sum;
  FrameSum peaks_sum;              // of number, count and, where the frame was kept, the peaks
  std::optional<Chunk> chunk;      // none: vetoed, and not audited
  std::optional<bool> judged_hit;  // set: vetoed and audited
  bool is_kept() const { return chunk.has_value() && !judged_hit.has_value(); }
  bool operator==(const FrameFacts&) const = default;
};

FrameFacts facts_of(const ShippedFrame& frame);
FrameFacts facts_of(const VetoRow& row);
std::vector<FrameFacts> facts_of(const Vetoes& vetoes);
// Of the frames in any message.
std::vector<FrameFacts> facts_of(const Message::Body& body);

// As they stand in an edge's journal; Errc::malformed for bytes that encode_facts cannot have
// written.
Bytes encode_facts(const std::vector<FrameFacts>& facts);
Result<std::vector<FrameFacts>> decode_facts(ByteSpan bytes);

}  // namespace etalon
