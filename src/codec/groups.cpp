#include "codec/groups.hpp"

#include <cstring>

namespace etalon::codec {

std::vector<std::uint8_t> label_plane(const CountsLayout& layout) {
  if (layout.bounds.size() < 2) return {};
  std::vector<std::uint8_t> labels(layout.grid.plane());
  for (const Squares& s : layout.squares)
    for_each_pixel(s, layout.grid.ny, layout.grid.nx,
                   [&](std::size_t i, std::ptrdiff_t, std::ptrdiff_t) { labels[i] = s.label; });
  for_each_row(layout.regions, layout.grid.nx,
               [&](std::size_t at, std::size_t length, std::uint8_t label) {
                 std::memset(labels.data() + at, label, length);
               });
  return labels;
}

Result<Groups> groups_of(const CountsLayout& layout) {
  Groups groups;
  for (std::size_t label = 0; label < layout.bounds.size(); ++label) {
    const unsigned count = layout.hints.empty() ? 1u : layout.hints[label];
    if (groups.label.size() + count > max_groups)
      return Error{Errc::malformed, "more groups than there may be"};
    groups.first.push_back(static_cast<std::uint8_t>(groups.label.size()));
    groups.label.insert(groups.label.end(), count, static_cast<std::uint8_t>(label));
  }
  groups.plane = label_plane(layout);
  return groups;
}

}  // namespace etalon::codec
