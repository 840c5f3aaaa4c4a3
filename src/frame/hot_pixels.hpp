// Pixels that are above a threshold far too often.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "frame/geometry.hpp"

namespace etalon {

struct HotLimits {
  std::int32_t threshold = 1;  // photons: a pixel with more is above it
  double most_share = 0.5;     // above it in more of a window's frames than that is hot
  std::uint32_t window = 100;  // frames
};

// Learns from windows of frames: after each, the pixels that were above in too many of it are hot,
// and those that were not are good again.
class HotPixels {
 public:
  HotPixels(std::size_t pixels, const HotLimits& limits) : limits_(limits), above_(pixels) {}

  // Photons of one frame; values below 0 are never above. True when a window has ended with it.
  bool add(std::span<const std::int32_t> photons);
  const std::vector<std::uint32_t>& hot() const { return hot_; }  // pixels, ascending
  void exclude(Mask& mask) const;  // sets the hot ones to 0; what was 0 stays

 private:
  HotLimits limits_;
  std::uint32_t frames_ = 0;
  std::vector<std::uint32_t> above_;  // frames of this window
  std::vector<std::uint32_t> hot_;
};

}  // namespace etalon
