// What chunks report of their regions, added up over a whole.
#pragma once

#include <algorithm>
#include <vector>

#include "etalon/codec.hpp"

namespace etalon::codec {

// Regions are the same when they stand at the same place; one that no chunk had so far is added.
inline void add_regions(std::vector<RegionInfo>& whole, const std::vector<RegionInfo>& part) {
  for (std::size_t r = 0; r < part.size(); ++r) {
    if (r == whole.size()) whole.push_back({part[r].kind, part[r].bound, 0, 0, 0});
    whole[r].elements += part[r].elements;
    whole[r].bytes += part[r].bytes;
    whole[r].max_error = std::max(whole[r].max_error, part[r].max_error);
  }
}

}  // namespace etalon::codec
