#include "pixel_exchange.hpp"

#include <mpi.h>

#include <limits>

#include "waiting.hpp"

namespace etalon::mpi {

Result<PixelExchange> PixelExchange::create(const PixelBlocks& blocks, const Ranks& ranks) {
  constexpr std::uint64_t most_frames = 8, most_words = std::numeric_limits<int>::max();
  std::uint64_t words = 0, received = 0;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    words += 1 + blocks.pixels_of(r);
    received = std::max<std::uint64_t>(received, ranks.size() * (1 + blocks.pixels_of(r)));
  }
  words = std::max(words, received);
  if (words > most_words)
    return Error{Errc::usage, "correlation: " + std::to_string(words) +
                                  " values of a frame for each rank are more than MPI counts"};
  return PixelExchange(blocks, ranks, std::min(most_frames, most_words / words));
}

PixelExchange::Frames PixelExchange::frames_of(std::size_t rank) const {
  const std::uint64_t begin = std::min(all_.begin + rank * most_, all_.end);
  return {begin, std::min(begin + most_, all_.end)};
}

PixelExchange::Frames PixelExchange::begin(std::uint64_t next, std::uint64_t frames) {
  all_ = {next, std::min(next + most_ * blocks_.ranks(), frames)};
  put_ = 0;
  std::size_t words = 0;
  for (std::size_t r = 0; r < blocks_.ranks(); ++r) words += words_to(r);
  const Frames mine = frames_of(rank_);
  out_.resize(mine.count() * words);
  in_.resize(all_.count() * words_to(rank_));
  return mine;
}

void PixelExchange::put(const RingCounts& counts) {
  const std::size_t frames = frames_of(rank_).count();
  std::size_t at = 0;
  for (std::size_t r = 0; r < blocks_.ranks(); ++r) {
    const std::size_t words = words_to(r);
    std::int32_t* const to = out_.data() + at + put_ * words;
    *to = static_cast<std::int32_t>(counts.largest);
    std::copy_n(counts.values.data() + blocks_.begin_of(r), words - 1, to + 1);
    at += frames * words;
  }
  ++put_;
}

Result<void> PixelExchange::exchange() {
  const std::size_t ranks = blocks_.ranks(), mine = frames_of(rank_).count();
  std::vector<int> out_counts(ranks), out_at(ranks), in_counts(ranks), in_at(ranks);
  for (std::size_t r = 0, out = 0, in = 0; r < ranks; ++r) {
    out_at[r] = static_cast<int>(out);
    in_at[r] = static_cast<int>(in);
    out_counts[r] = static_cast<int>(mine * words_to(r));
    in_counts[r] = static_cast<int>(frames_of(r).count() * words_to(rank_));
    out += mine * words_to(r);
    in += frames_of(r).count() * words_to(rank_);
  }
  MPI_Request all_there = MPI_REQUEST_NULL;
  MPI_Ialltoallv(out_.data(), out_counts.data(), out_at.data(), MPI_INT32_T, in_.data(),
                 in_counts.data(), in_at.data(), MPI_INT32_T, MPI_COMM_WORLD, &all_there);
  return wait_until([&] {
    int there = 0;
    MPI_Test(&all_there, &there, MPI_STATUS_IGNORE);
    return there != 0;
  });
}

std::span<const std::int32_t> PixelExchange::pixels(std::size_t i) const {
  return std::span(in_).subspan(i * words_to(rank_) + 1, words_to(rank_) - 1);
}

std::uint32_t PixelExchange::largest(std::size_t i) const {
  return static_cast<std::uint32_t>(in_[i * words_to(rank_)]);
}

}  // namespace etalon::mpi
