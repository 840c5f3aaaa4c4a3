// Which elements of a field have a bound of their own, or are not coded at all.
#pragma once

#include <vector>

#include "codec/counts.hpp"
#include "codec/field_walk.hpp"
#include "codec/groups.hpp"

namespace etalon::codec {

// What the kinds of a field's elements are, element by element in the array's order.
class FieldKinds {
 public:
  static constexpr std::uint8_t fill = 0xFF;

  FieldKinds(const std::vector<Level>& levels, const CountsLayout& layout) {
    const std::vector<std::uint8_t> labels = label_plane(layout);
    if (labels.empty() && layout.fills.empty()) return;
    kinds_.resize(layout.grid.count());
    if (!labels.empty())
      for (std::size_t i = 0; i < kinds_.size(); i += labels.size())
        std::copy(labels.begin(), labels.end(), kinds_.begin() + static_cast<std::ptrdiff_t>(i));
    for_each_row(layout.fills, layout.grid.nx, [&](std::size_t at, std::size_t n, std::uint8_t) {
      std::memset(kinds_.data() + at, fill, n);
    });
    std::size_t step = 1;
    for (std::size_t axis = levels[0].rank; axis-- > 0;) {
      strides_[axis] = step;
      step *= levels[0].extent[axis];
    }
    last_ = levels[0].last();
  }
  bool any() const { return !kinds_.empty(); }
  void stripe(const Level& level, const Stripe& s, std::uint8_t* out) const {
    for_each_row_of(level, s.cls, s.first_row, s.end_row, [&](const Index& index) {
      row(s.level, s.cls, index, s.row_length, out);
      out += s.row_length;
    });
  }

 private:
  // The kinds of a class's row.
  void row(std::size_t level, unsigned cls, const Index& index, std::size_t n,
           std::uint8_t* out) const {
    std::size_t at = 0;
    for (std::size_t axis = 0; axis <= last_; ++axis)
      at += ((2 * index[axis] + (cls >> axis & 1)) << level) * strides_[axis];
    const std::size_t step = (std::size_t{2} << level) * strides_[last_];
    for (std::size_t i = 0; i < n; ++i) out[i] = kinds_[at + i * step];
  }

  std::vector<std::uint8_t> kinds_;
  Index strides_{};
  std::size_t last_ = 0;
};

}  // namespace etalon::codec
