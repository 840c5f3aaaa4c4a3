#include "analyse/frame_ranges.hpp"

#include <algorithm>

namespace etalon {

std::vector<FrameRange> cut_into_ranges(std::span<const std::uint64_t> frames) {
  std::vector<FrameRange> ranges;
  for (std::size_t series = 0; series < frames.size(); ++series) {
    const std::uint64_t step = std::clamp<std::uint64_t>(frames[series] / 64 / 8 * 8, 8, 64);
    for (std::uint64_t begin = 0; begin < frames[series]; begin += step)
      ranges.push_back({series, begin, std::min(begin + step, frames[series])});
  }
  return ranges;
}

}  // namespace etalon
