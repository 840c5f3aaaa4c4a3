// What peakfinder8 needs to know of a geometry and a mask, computed once and shared by all threads.
#pragma once

#include <cstdint>
#include <vector>

#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"
#include "kernels/panels.hpp"

namespace etalon::pf8 {

// Good pixels that follow one another in the copy and share a radial bin: start << 4 | length,
// length 1 to run_pixels.
using Run = std::uint32_t;
inline constexpr std::uint32_t run_pixels = 8;
inline constexpr std::size_t max_pixels_of_bin = std::size_t{1} << 20;

struct Plan {
  std::size_t ny = 0, nx = 0;
  std::vector<Panel> panels;
  std::vector<std::uint32_t> panel_of;  // per pixel; empty where the whole image is one panel

  std::uint32_t bins = 0;
  std::vector<std::uint32_t> bin_of;     // per pixel; `bins` for a bad one
  std::vector<std::uint32_t> order;      // good pixels by bin; in a bin as `runs` has them
  std::vector<std::uint32_t> bin_begin;  // into order, bins + 1

  // Pixels are gathered from a copy of the image in which squares of tile x tile pixels lie
  // together: by rows, or by columns where circles round the beam run along columns, so that runs
  // are long. A circle passes few squares, and those of one wider by a pixel are the same ones: the
  // copy is read from the first-level cache. Only squares with good pixels are copied.
  static constexpr std::size_t tile = 8;
  struct Tile {
    std::uint32_t pixel;         // its first
    std::uint8_t rows, columns;  // fewer than `tile` at the image's edges
    bool turned;                 // by columns
  };
  std::vector<Tile> tiles;  // in the order of the copy, tile * tile pixels each

  std::vector<Run> runs;                  // of the copy
  std::vector<std::uint32_t> runs_begin;  // of a bin, bins + 1

  std::size_t widest_bin = 0;  // pixels

  // The local background: columns dx0 <= dx < dx1 in row dy, relative to a peak's centre.
  struct RingRow {
    std::int64_t dy, dx0, dx1;
  };
  std::vector<RingRow> ring;

  std::size_t pixels() const { return ny * nx; }
  std::uint32_t panel(std::size_t pixel) const { return panel_of.empty() ? 0 : panel_of[pixel]; }
};

// Errc::usage as PeakFinder8::create.
Result<void> check_parameters(const PeakParameters& p);
Result<Plan> make_plan(const Geometry& geometry, const Mask& mask, const PeakParameters& p);

}  // namespace etalon::pf8
