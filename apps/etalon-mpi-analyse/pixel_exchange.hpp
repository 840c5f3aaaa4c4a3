// Frames on their way from the rank that has read them to those that have their pixels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "analyse/photon_correlation.hpp"
#include "ranks.hpp"

namespace etalon::mpi {

// The rings' pixels in blocks, which depend on nothing else; a rank has neighbouring ones.
class PixelBlocks {
 public:
  PixelBlocks(std::size_t pixels, std::size_t ranks)
      : pixels_(pixels),
        ranks_(ranks),
        count_(std::clamp<std::size_t>(pixels / block_pixels, 1, most_blocks)) {}

  std::size_t count() const { return count_; }
  std::size_t ranks() const { return ranks_; }
  std::size_t begin(std::size_t block) const { return pixels_ * block / count_; }
  std::size_t first_of(std::size_t rank) const { return count_ * rank / ranks_; }
  // The pixels of a rank begin here, and end where those of the next do.
  std::size_t begin_of(std::size_t rank) const { return begin(first_of(rank)); }
  std::size_t pixels_of(std::size_t rank) const { return begin_of(rank + 1) - begin_of(rank); }

 private:
  static constexpr std::size_t block_pixels = 1024, most_blocks = 1024;
  std::size_t pixels_, ranks_, count_;
};

// In rounds: every rank reads some frames, rank by rank in the order of the series.
class PixelExchange {
 public:
  // Errc::usage for frames of which MPI cannot count the pixels.
  static Result<PixelExchange> create(const PixelBlocks& blocks, const Ranks& ranks);

  struct Frames {
    std::uint64_t begin = 0, end = 0;
    std::size_t count() const { return static_cast<std::size_t>(end - begin); }
  };
  // A round that begins at frame `next` of so many: what this rank reads, and what all do.
  Frames begin(std::uint64_t next, std::uint64_t frames);
  Frames all() const { return all_; }
  // The frames of this rank, one after the other.
  void put(const RingCounts& counts);
  // Collective: Errc::interrupted when the process is told to end before all is there.
  Result<void> exchange();

  // Of frame all().begin + i: this rank's pixels, and the largest value of all pixels.
  std::span<const std::int32_t> pixels(std::size_t i) const;
  std::uint32_t largest(std::size_t i) const;

 private:
  PixelExchange(const PixelBlocks& blocks, const Ranks& ranks, std::uint64_t most)
      : blocks_(blocks), rank_(ranks.rank()), most_(most) {}
  Frames frames_of(std::size_t rank) const;
  // What goes to a rank of one frame: the largest value and its pixels.
  std::size_t words_to(std::size_t rank) const { return 1 + blocks_.pixels_of(rank); }

  PixelBlocks blocks_;
  std::size_t rank_;
  std::uint64_t most_;  // frames that a rank reads in a round
  Frames all_;
  std::size_t put_ = 0;
  std::vector<std::int32_t> out_, in_;  // by rank, frame
};

}  // namespace etalon::mpi
