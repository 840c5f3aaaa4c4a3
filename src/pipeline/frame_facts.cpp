#include "pipeline/frame_facts.hpp"

#include "stream/message_body.hpp"

namespace etalon {
namespace {

enum Flags : std::uint8_t { has_chunk = 1, chunk_checked = 2, audited = 4, judged_a_hit = 8 };

FrameSum peaks_sum(std::uint64_t number, std::uint64_t count, const std::vector<Peak>& peaks) {
  ByteWriter out;
  out.put(number);
  out.put(count);
  out.append(wire::pack_peaks(peaks));
  return frame_sum(out.buffer());
}

void put(ByteWriter& out, const FrameSum& sum) { out.append(std::as_bytes(std::span(sum.bytes))); }

Result<FrameSum> get_sum(ByteReader& in) {
  FrameSum sum;
  ETALON_ASSIGN(const ByteSpan bytes, in.take(sum.bytes.size()));
  std::memcpy(sum.bytes.data(), bytes.data(), bytes.size());
  return sum;
}

Result<FrameFacts> get_facts(ByteReader& in) {
  FrameFacts facts;
  ETALON_ASSIGN(const auto flags, in.get<std::uint8_t>());
  // Not kept and not audited; kept; kept and checked; audited; audited and called a hit.
  if (flags != 0 && flags != has_chunk && flags != (has_chunk | chunk_checked) &&
      flags != (has_chunk | audited) && flags != (has_chunk | audited | judged_a_hit))
    return Error{Errc::malformed, "flags of a frame that cannot be"};
  ETALON_ASSIGN(facts.number, in.get<std::uint64_t>());
  ETALON_ASSIGN(facts.peaks, in.get<std::uint64_t>());
  ETALON_ASSIGN(facts.raw_sum, get_sum(in));
  ETALON_ASSIGN(facts.peaks_sum, get_sum(in));
  if ((flags & has_chunk) == 0) return facts;
  FrameFacts::Chunk chunk;
  ETALON_ASSIGN(chunk.sum, get_sum(in));
  ETALON_ASSIGN(chunk.bytes, in.get<std::uint64_t>());
  chunk.checked = (flags & chunk_checked) != 0;
  facts.chunk = chunk;
  if ((flags & audited) != 0) facts.judged_hit = (flags & judged_a_hit) != 0;
  return facts;
}

}  // namespace

FrameFacts facts_of(const VetoRow& row) {
  return {row.number, row.peaks, row.raw_sum, peaks_sum(row.number, row.peaks, {}), {}, {}};
}

FrameFacts facts_of(const ShippedFrame& frame) {
  const FrameFacts::Chunk chunk{frame_sum(frame.chunk), frame.chunk.size(),
                                frame.decoded_sum.has_value()};
  if (frame.rejected) {
    FrameFacts facts = facts_of(frame.rejected->row);
    facts.chunk = chunk;
    facts.judged_hit = frame.rejected->judged_hit;
    return facts;
  }
  const std::uint64_t count = frame.peaks.size();
  return {frame.number, count, frame.raw_sum, peaks_sum(frame.number, count, frame.peaks),
          chunk,        {}};
}

std::vector<FrameFacts> facts_of(const Vetoes& vetoes) {
  std::vector<FrameFacts> facts;
  facts.reserve(vetoes.rows.size());
  for (const VetoRow& row : vetoes.rows) facts.push_back(facts_of(row));
  return facts;
}

std::vector<FrameFacts> facts_of(const Message::Body& body) {
  if (const auto* frame = std::get_if<ShippedFrame>(&body)) return {facts_of(*frame)};
  if (const auto* vetoes = std::get_if<Vetoes>(&body)) return facts_of(*vetoes);
  return {};
}

Bytes encode_facts(const std::vector<FrameFacts>& facts) {
  ByteWriter out;
  for (const FrameFacts& f : facts) {
    out.put(static_cast<std::uint8_t>(
        (f.chunk ? has_chunk : 0) | (f.chunk && f.chunk->checked ? chunk_checked : 0) |
        (f.judged_hit ? audited : 0) | (f.judged_hit.value_or(false) ? judged_a_hit : 0)));
    out.put(f.number);
    out.put(f.peaks);
    put(out, f.raw_sum);
    put(out, f.peaks_sum);
    if (!f.chunk) continue;
    put(out, f.chunk->sum);
    out.put(f.chunk->bytes);
  }
  return out.take();
}

Result<std::vector<FrameFacts>> decode_facts(ByteSpan bytes) {
  ByteReader in(bytes);
  std::vector<FrameFacts> facts;
  while (!in.done()) {
    ETALON_ASSIGN(FrameFacts one, get_facts(in));
    facts.push_back(one);
  }
  return facts;
}

}  // namespace etalon
