#include "codec/lattice.hpp"

#include <bit>

namespace etalon::codec {

Level::Level(std::size_t axes, const Index& extents) : rank(axes), extent(extents) {
  for (std::size_t axis = 0; axis < rank; ++axis) half[axis] = (extent[axis] + 1) / 2;
  planes = rank > 1 && half[last()] < short_row && half[last() - 1] >= least_plane;
  for (std::size_t axis = last(); axis-- > 0;) {
    rows_per[axis] = rows;
    rows *= half[axis] + (planes && axis + 1 == last() ? before + after : 0);
  }
  stride = half[last()] + before + after;
}

std::size_t Level::count() const {
  std::size_t n = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) n *= extent[axis];
  return n;
}

bool Level::holds(unsigned cls) const {
  for (std::size_t axis = 0; axis < rank; ++axis)
    if (real(axis, cls >> axis & 1) == 0) return false;
  return true;
}

std::size_t Level::row_count(unsigned cls) const {
  std::size_t n = 1;
  for (std::size_t axis = 0; axis < last(); ++axis) n *= real(axis, cls >> axis & 1);
  return n;
}

std::vector<Level> levels_of(const Shape& shape) {
  Index extent{};
  std::size_t rank = 0, longest = 1;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    extent[rank++] = shape[axis];
    longest = std::max<std::size_t>(longest, shape[axis]);
  }
  if (rank == 0) extent[rank++] = 1;
  std::vector<Level> levels;
  levels.emplace_back(rank, extent);
  while (longest > 1) {
    for (std::size_t axis = 0; axis < rank; ++axis) extent[axis] = (extent[axis] + 1) / 2;
    longest = (longest + 1) / 2;
    levels.emplace_back(rank, extent);
  }
  return levels;
}

std::vector<unsigned> class_order(std::size_t rank) {
  std::vector<unsigned> order;
  for (unsigned cls = 1; cls < (1u << rank); ++cls) order.push_back(cls);
  std::stable_sort(order.begin(), order.end(),
                   [](unsigned a, unsigned b) { return std::popcount(a) < std::popcount(b); });
  return order;
}

namespace {

// All terms whose distance along every axis is +distance or -distance.
void add_feature(Features& f, unsigned cls, std::size_t rank,
                 const std::array<int, max_axes>& distance) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis < rank; ++axis)
    if (distance[axis] != 0) axes.push_back(axis);
  const std::size_t terms = std::size_t{1} << axes.size();
  if (f.lengths.size() == max_features || f.terms.size() + terms > max_terms) return;
  for (std::size_t signs = 0; signs < terms; ++signs) {
    Term term{cls, {}};
    for (std::size_t k = 0; k < axes.size(); ++k) {
      const std::size_t axis = axes[k];
      const int parity = static_cast<int>(cls >> axis & 1);
      const int at = parity + (signs >> k & 1 ? distance[axis] : -distance[axis]);
      term.cls = (term.cls & ~(1u << axis)) | static_cast<unsigned>(at & 1) << axis;
      term.steps[axis] = static_cast<std::int8_t>((at - (at & 1)) / 2);
    }
    f.terms.push_back(term);
  }
  f.lengths.push_back(static_cast<std::uint8_t>(terms));
}

}  // namespace

Features features_of(const Level& level, unsigned cls) {
  std::vector<std::size_t> odd, even;
  for (std::size_t axis = 0; axis < level.rank; ++axis)
    (cls >> axis & 1 ? odd : even).push_back(axis);
  Features f;
  using Distance = std::array<int, max_axes>;
  const auto add = [&](const Distance& d) { add_feature(f, cls, level.rank, d); };
  for (const int distance : {1, 3})
    for (const std::size_t axis : odd) {
      Distance d{};
      d[axis] = distance;
      add(d);
    }
  f.nearest = odd.size();
  if (odd.size() == 1)
    for (const std::size_t axis : even) {
      if (level.extent[axis] < 3) continue;
      Distance d{};
      d[odd[0]] = 1;
      d[axis] = 2;
      add(d);
    }
  for (std::size_t a = 0; a < odd.size(); ++a)
    for (std::size_t b = a + 1; b < odd.size(); ++b) {
      Distance d{};
      d[odd[a]] = d[odd[b]] = 1;
      add(d);
    }
  if (odd.size() == 3) {
    Distance d{};
    for (const std::size_t axis : odd) d[axis] = 1;
    add(d);
  }
  return f;
}

}  // namespace etalon::codec
