// Frames and the series they belong to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/peaks.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// What holds for every frame of one exposure run.
struct SeriesInfo {
  std::string name;  // of the run; a file name without its ending where nothing better is known
  std::uint64_t frames = 0;
  DType dtype = DType::u16;
  Geometry geometry;
  std::vector<std::uint32_t> pixel_mask;  // NeXus bits, (y, x); empty: all good
  double saturation_value = 0;            // 0: not known
  double count_time_s = 0;
  double frame_time_s = 0;
  std::string start_time;  // ISO 8601; empty: not known
  std::string detector;    // description
  std::string sensor_material;
  double sensor_thickness_m = 0;

  Mask mask() const;  // of pixel_mask; all good where that is empty
};

// One image, (y, x), with its number in the series (from 0) and its time since the series' start.
struct Frame {
  std::uint64_t number = 0;
  double time_s = 0;
  Array image;
};

}  // namespace etalon
