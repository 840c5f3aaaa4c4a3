#include "correlator.hpp"

#include "analyse/findings_part.hpp"
#include "bytes_between.hpp"
#include "store/file.hpp"
#include "waiting.hpp"

namespace etalon::mpi {
namespace {

Bytes pack_sums(const PairSums& sums) {
  ByteWriter out;
  out.put_all(sums.frames);
  out.append(std::as_bytes(std::span(sums.products)));
  return out.take();
}

// Of as many frames as `like` has.
Result<PairSums> unpack_sums(ByteSpan bytes, const PairSums& like) {
  ByteReader in(bytes);
  PairSums sums;
  ETALON_TRY(in.get_all(sums.frames, like.frames.size()));
  ETALON_ASSIGN(const ByteSpan products, in.take(like.products.size() * sizeof(Int128)));
  sums.products.resize(like.products.size());
  std::ranges::copy(products, std::as_writable_bytes(std::span(sums.products)).begin());
  return sums;
}

}  // namespace

Correlator::Correlator(const QRings& rings, std::size_t channels, const Ranks& ranks,
                       std::optional<std::uint64_t> pair_frames)
    : rings_(rings),
      channels_(channels),
      ranks_(ranks),
      blocks_(rings.pixels.size(), ranks.size()) {
  const std::size_t rank = ranks.rank(), begin = blocks_.begin_of(rank);
  for (std::size_t b = blocks_.first_of(rank); b < blocks_.first_of(rank + 1); ++b) {
    RingsPart part = rings_of(b);
    mine_.push_back({blocks_.begin(b) - begin, part.rings.pixels.size(), part.first_ring,
                     MultiTau(std::move(part.rings), channels, 1)});
  }
  if (!pair_frames) return;
  RingsPart part = part_of(rings, begin, blocks_.begin_of(rank + 1));
  pair_frames_ = *pair_frames;
  pair_first_ring_ = part.first_ring;
  two_time_.emplace(std::move(part.rings), *pair_frames, 1);
}

RingsPart Correlator::rings_of(std::uint64_t block) const {
  return part_of(rings_, blocks_.begin(block), blocks_.begin(block + 1));
}

// Block by block, so that what a block needs of earlier frames stays in the cache.
Result<void> Correlator::add(const PixelExchange& round) {
  const std::size_t frames = round.all().count();
  for (Block& block : mine_) {
    if (cli::interrupted) return told_to_end();
    for (std::size_t i = 0; i < frames; ++i)
      block.curves.add(round.pixels(i).subspan(block.at, block.pixels), round.largest(i));
  }
  for (std::size_t i = 0; two_time_ && i < frames; ++i)
    ETALON_TRY(two_time_->add(round.pixels(i), round.largest(i)));
  return {};
}

std::vector<std::uint64_t> Correlator::parts() const {
  std::vector<std::uint64_t> parts;
  for (std::size_t i = 0; i < mine_.size(); ++i)
    parts.push_back(blocks_.first_of(ranks_.rank()) + i);
  return parts;
}

Bytes Correlator::pack() const {
  ByteWriter out;
  for (const Block& block : mine_) {
    const Bytes packed = block.curves.pack(true);
    out.put(std::uint64_t{packed.size()});
    out.append(packed);
  }
  return out.take();
}

template <typename F>
Result<void> Correlator::for_each_part(std::span<const std::uint64_t> parts, ByteSpan packed,
                                       F&& f) const {
  ByteReader in(packed);
  for (const std::uint64_t part : parts) {
    ETALON_ASSIGN(const auto size, in.get<std::uint64_t>());
    ETALON_ASSIGN(const ByteSpan bytes, in.take(size));
    ETALON_TRY(f(part, bytes));
  }
  if (!in.done()) return Error{Errc::malformed, "has bytes that no part needs"};
  return {};
}

Result<std::uint64_t> Correlator::frames_of(std::span<const std::uint64_t> parts,
                                            ByteSpan packed) const {
  std::optional<std::uint64_t> frames;
  ETALON_TRY(for_each_part(parts, packed, [&](std::uint64_t part, ByteSpan bytes) -> Result<void> {
    ETALON_ASSIGN(const MultiTau curves,
                  MultiTau::unpack(rings_of(part).rings, channels_, bytes, true));
    if (curves.frames() != frames.value_or(curves.frames()) || curves.frames() == 0)
      return Error{Errc::malformed, "has parts of different frames, or of none"};
    frames = curves.frames();
    return {};
  }));
  return frames.value_or(0);
}

Result<void> Correlator::restore(const Generation& generation) {
  const std::size_t first = blocks_.first_of(ranks_.rank()), end = first + mine_.size();
  std::size_t restored = 0;
  const auto take = [&](std::uint64_t part, ByteSpan bytes) -> Result<void> {
    if (part < first || part >= end) return {};
    Block& block = mine_[part - first];
    ETALON_ASSIGN(block.curves, MultiTau::unpack(block.curves.rings(), channels_, bytes, true));
    restored += block.curves.frames() == generation.frames;
    return {};
  };
  for (const Generation::File& file : generation.files) {
    if (file.last < first || file.first >= end) continue;
    ETALON_ASSIGN(const Bytes bytes, read_file(file.path));
    const auto part = unpack_findings_part(bytes);
    auto taken =
        part.ok() ? for_each_part(part->ranges, part->findings, take) : Result<void>(part.error());
    if (!taken.ok()) return std::move(taken).error().in(file.path);
  }
  if (generation.frames > 0 && restored != mine_.size())
    return Error{Errc::io, "correlation: another process changes the checkpoint"};
  return {};
}

Result<MultiTau> Correlator::gather_curves() const {
  MultiTau all(rings_, channels_, 1);
  Result<void> merged;
  const auto add = [&](const MultiTau& curves, std::size_t first_ring) {
    if (merged.ok()) merged = all.merge(curves, first_ring);
  };
  for (const Block& block : mine_) add(block.curves, block.first_ring);
  if (!ranks_.first()) {
    if (!mine_.empty()) send_bytes(all.pack(false), 0);
    return all;
  }
  // All are heard, also after an error: they would wait.
  for (std::size_t r = 1; r < ranks_.size(); ++r) {
    if (blocks_.pixels_of(r) == 0) continue;
    ETALON_ASSIGN(const Bytes bytes, receive_bytes(static_cast<int>(r)));
    const auto curves = MultiTau::unpack(rings_, channels_, bytes, false);
    if (curves.ok())
      add(*curves, 0);
    else
      merged = curves.error();
  }
  ETALON_TRY(merged);
  return all;
}

bool Correlator::has_some(std::size_t rank, std::size_t ring) const {
  return blocks_.begin_of(rank) < rings_.begin[ring + 1] &&
         blocks_.begin_of(rank + 1) > rings_.begin[ring] && blocks_.pixels_of(rank) > 0;
}

PairSums Correlator::sums_of(std::size_t ring) const {
  if (has_some(ranks_.rank(), ring)) return two_time_->sums(ring - pair_first_ring_);
  PairSums none;
  none.frames.resize(pair_frames_);
  none.products.resize(pair_frames_ * (pair_frames_ + 1) / 2);
  return none;
}

Result<std::vector<Array>> Correlator::gather_two_time() const {
  std::vector<Array> matrices;
  Result<void> merged;
  for (std::size_t ring = 0; two_time_ && ring < rings_.count(); ++ring) {
    if (!ranks_.first()) {
      if (has_some(ranks_.rank(), ring)) send_bytes(pack_sums(sums_of(ring)), 0);
      continue;
    }
    PairSums sums = sums_of(ring);
    for (std::size_t r = 1; r < ranks_.size(); ++r) {
      if (!has_some(r, ring)) continue;
      ETALON_ASSIGN(const Bytes bytes, receive_bytes(static_cast<int>(r)));
      const auto more = unpack_sums(bytes, sums);
      const auto added = more.ok() ? sums.merge(*more) : Result<void>(more.error());
      if (!added.ok()) merged = added;
    }
    matrices.push_back(sums.matrix(rings_.size(ring)));
  }
  ETALON_TRY(merged);
  return matrices;
}

}  // namespace etalon::mpi
