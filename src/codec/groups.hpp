// Which elements may have tables of their own, whatever their class: the default and every region
// are a group each, and a label with hints has one for each of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "codec/counts.hpp"

namespace etalon::codec {

struct Groups {
  std::vector<std::uint8_t> label;  // of every group
  std::vector<std::uint8_t> first;  // group of every label
  std::vector<std::uint8_t> plane;  // labels of (y, x), the same on every plane; empty: all 0
};
// Errc::malformed where there would be more than max_groups.
Result<Groups> groups_of(const CountsLayout& layout);

// The label of every pixel of a plane; empty when there is only the default.
std::vector<std::uint8_t> label_plane(const CountsLayout& layout);

// body(i, group) for all elements in order.
template <typename F>
void for_each_grouped(const Groups& groups, const CountsLayout& layout, F&& body) {
  const std::size_t plane = layout.grid.plane();
  for (std::size_t p = 0, i = 0; p < layout.grid.planes; ++p)
    for (std::size_t k = 0; k < plane; ++k, ++i) {
      const std::size_t first = groups.plane.empty() ? 0u : groups.first[groups.plane[k]];
      body(i, first + (layout.hint.empty() ? 0u : layout.hint[i]));
    }
}

// body(i, group) for the elements of regions, where there are no hints.
template <typename F>
void for_each_in_regions(const Groups& groups, const Grid& grid, F&& body) {
  const auto& plane = groups.plane;
  for (std::size_t k = 0; k < plane.size(); ++k) {
    std::uint64_t eight;
    while (k + 8 <= plane.size() && (std::memcpy(&eight, plane.data() + k, 8), eight == 0)) k += 8;
    if (k == plane.size()) break;
    if (plane[k] == 0) continue;
    for (std::size_t i = k; i < grid.count(); i += plane.size()) body(i, groups.first[plane[k]]);
  }
}

}  // namespace etalon::codec
