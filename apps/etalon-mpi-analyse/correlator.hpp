// A rank's share of a photon correlation: the blocks of pixels that it has, over all frames.
#pragma once

#include <optional>
#include <vector>

#include "checkpoint.hpp"
#include "pixel_exchange.hpp"

namespace etalon::mpi {

class Correlator {
 public:
  // `pair_frames`: of a two-time correlation; none: there is none.
  Correlator(const QRings& rings, std::size_t channels, const Ranks& ranks,
             std::optional<std::uint64_t> pair_frames);

  const PixelBlocks& blocks() const { return blocks_; }
  // All frames of a round.
  Result<void> add(const PixelExchange& round);

  // For a checkpoint: the blocks of this rank, and what the next frame needs of them.
  std::vector<std::uint64_t> parts() const;
  Bytes pack() const;
  // FramesOfParts
  Result<std::uint64_t> frames_of(std::span<const std::uint64_t> parts, ByteSpan packed) const;
  // Takes this rank's blocks from the files.
  Result<void> restore(const Generation& generation);

  // Collective: all curves, of use on rank 0.
  Result<MultiTau> gather_curves() const;
  // Collective: the two-time correlation of every ring, on rank 0.
  Result<std::vector<Array>> gather_two_time() const;

 private:
  struct Block {
    std::size_t at = 0, pixels = 0;  // among this rank's
    std::size_t first_ring = 0;
    MultiTau curves;
  };
  template <typename F>
  Result<void> for_each_part(std::span<const std::uint64_t> parts, ByteSpan packed, F&& f) const;
  RingsPart rings_of(std::uint64_t block) const;
  bool has_some(std::size_t rank, std::size_t ring) const;
  PairSums sums_of(std::size_t ring) const;

  const QRings& rings_;
  const std::size_t channels_;
  const Ranks& ranks_;
  PixelBlocks blocks_;
  std::vector<Block> mine_;
  std::size_t pair_frames_ = 0, pair_first_ring_ = 0;
  std::optional<TwoTime> two_time_;
};

}  // namespace etalon::mpi
