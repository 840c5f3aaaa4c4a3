// Sums, counts and largest numbers of the tiles of a plane: what levels of brightness come from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "codec/counts_loops.hpp"
#include "codec/counts_model.hpp"
#include "codec/scratch.hpp"

namespace etalon::codec {

// `usable` is empty, or 1 for each element of the plane that counts and 0 for the others.
template <typename Number>
class TileSums {
 public:
  struct Sum {
    std::uint64_t total = 0;
    std::uint32_t count = 0;
    Number largest = 0;
  };
  TileSums(const Grid& grid, const Tiling& tiling) : grid_(grid), tiling_(tiling) {}

  // Of all tiles of a row.
  void sum_row(const Number* plane, std::size_t tile_row, const Scratch<std::uint8_t>& usable,
               std::vector<Sum>& sums) {
    const Tiling& t = tiling_;
    const std::size_t top = tile_row << t.log2_y;
    const std::size_t rows = std::min(grid_.ny, (tile_row + 1) << t.log2_y) - top;
    const std::size_t width = std::size_t{1} << t.log2_x;
    const std::size_t strip = std::max<std::size_t>(width, 4096);  // stays in the nearest cache
    for (std::size_t from = 0; from < grid_.nx; from += strip) {
      const std::size_t length = std::min(strip, grid_.nx - from);
      column_sums_.assign(length, 0);
      column_largest_.assign(length, 0);
      column_counts_.assign(usable.size() == 0 ? 0 : length, 0);
      for (std::size_t y = top; y < top + rows; ++y) {
        const std::size_t in_plane = y * grid_.nx + from;
        add_row(plane + in_plane, usable.size() == 0 ? nullptr : usable.data() + in_plane, length,
                column_sums_.data(), column_largest_.data(), column_counts_.data());
      }
      for (std::size_t x = 0; x < length; x += width) {
        Sum& sum = sums[(from + x) >> t.log2_x];
        sum = {};
        const std::size_t end = std::min(length, x + width);
        for (std::size_t k = x; k < end; ++k) {
          sum.total += column_sums_[k];
          sum.largest = larger(sum.largest, column_largest_[k]);
        }
        if (usable.size() == 0)
          sum.count = static_cast<std::uint32_t>(rows * (end - x));
        else
          for (std::size_t k = x; k < end; ++k) sum.count += column_counts_[k];
      }
    }
  }

  // Of one tile, numbers above `cap` counting as it.
  Sum sum_one(const Number* plane, std::size_t tile_row, std::size_t column, Number cap,
              const Scratch<std::uint8_t>& usable) const {
    using Row = std::conditional_t<sizeof(Number) == 4, std::uint64_t, std::uint32_t>;
    using Count = std::conditional_t<sizeof(Number) == 2, std::uint16_t, std::uint32_t>;
    const Tiling& t = tiling_;
    const std::size_t from = column << t.log2_x, to = std::min(grid_.nx, (column + 1) << t.log2_x);
    const std::size_t end = std::min(grid_.ny, (tile_row + 1) << t.log2_y);
    const std::size_t length = to - from;
    Sum sum;
    for (std::size_t y = tile_row << t.log2_y; y < end; ++y) {
      const std::size_t in_plane = y * grid_.nx + from;
      const Number* const n = plane + in_plane;
      const std::uint8_t* const u = usable.size() == 0 ? nullptr : usable.data() + in_plane;
      Row total = 0;
      Count count = 0;
      for (std::size_t x = 0; x < length; ++x)
        total += smaller(u == nullptr ? n[x] : static_cast<Number>(n[x] * u[x]), cap);
      if (u != nullptr)
        for (std::size_t x = 0; x < length; ++x) count = static_cast<Count>(count + u[x]);
      sum.count += u == nullptr ? static_cast<std::uint32_t>(length) : count;
      sum.total += total;
    }
    return sum;
  }

 private:
  const Grid& grid_;
  const Tiling& tiling_;
  std::vector<ColumnSum<Number>> column_sums_;
  std::vector<Number> column_largest_;
  std::vector<std::uint16_t> column_counts_;
};

}  // namespace etalon::codec
