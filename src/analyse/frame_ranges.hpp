// The frames of some series, cut into ranges that processes take one by one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace etalon {

// Frames [begin, end) of the series of this number.
struct FrameRange {
  std::size_t series = 0;
  std::uint64_t begin = 0, end = 0;
  std::uint64_t frames() const { return end - begin; }
};

// In the order of series and frames, given how many frames each series has: about 64 ranges a
// series, of 8 to 64 frames each, a multiple of 8 but for a series' last. They depend on nothing
// else, so what was found in one is worth the same to any number of processes.
std::vector<FrameRange> cut_into_ranges(std::span<const std::uint64_t> frames);

}  // namespace etalon
