// Whether a detector's start message has a mask for the images that come.
#pragma once

#include <string>

#include "frame/image_shape.hpp"
#include "stream/simplon_message.hpp"

namespace etalon {

// `image` is (y, x). A start without a mask of this channel has none that would not fit.
inline bool mask_fits(const SimplonStart& start, const std::string& channel, const Shape& image) {
  const auto mask = start.pixel_mask.find(channel);
  return mask == start.pixel_mask.end() || is_image_of(mask->second.shape(), image[0], image[1]);
}

}  // namespace etalon
