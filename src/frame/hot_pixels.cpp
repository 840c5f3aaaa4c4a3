#include "frame/hot_pixels.hpp"

#include <algorithm>

namespace etalon {

bool HotPixels::add(std::span<const std::int32_t> photons) {
  const std::int32_t threshold = std::max(limits_.threshold, 0);
  for (std::size_t i = 0; i < std::min(photons.size(), above_.size()); ++i)
    above_[i] += photons[i] > threshold;
  if (++frames_ < limits_.window) return false;
  hot_.clear();
  for (std::size_t i = 0; i < above_.size(); ++i)
    if (above_[i] > limits_.most_share * frames_) hot_.push_back(static_cast<std::uint32_t>(i));
  std::fill(above_.begin(), above_.end(), 0);
  frames_ = 0;
  return true;
}

void HotPixels::exclude(Mask& mask) const {
  for (const std::uint32_t pixel : hot_)
    if (pixel < mask.size()) mask[pixel] = 0;
}

}  // namespace etalon
