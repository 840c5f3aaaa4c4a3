// What peakfinder8 needs to know of a geometry and a mask, computed once and shared by all threads.
#pragma once

#include <cstdint>
#include <vector>

#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon::pf8 {

// Good pixels that follow one another in memory and share a radial bin: start << 4 | length,
// length 1 to run_pixels.
using Run = std::uint32_t;
inline constexpr std::uint32_t run_pixels = 8;
inline constexpr std::size_t max_pixels_of_image = std::size_t{1} << 28;
inline constexpr std::size_t max_pixels_of_bin = std::size_t{1} << 20;

struct Plan {
  std::size_t ny = 0, nx = 0;
  std::vector<Panel> panels;
  std::vector<std::uint32_t> panel_of;  // per pixel; empty where the whole image is one panel

  std::uint32_t bins = 0;
  std::vector<std::uint32_t> bin_of;     // per pixel; `bins` for a bad one
  std::vector<std::uint32_t> order;      // good pixels by bin, then row major
  std::vector<std::uint32_t> bin_begin;  // into order, bins + 1
  std::vector<Run> runs;                 // the same pixels in the same order
  std::vector<std::uint32_t> run_begin;  // into runs, bins + 1
  std::size_t widest_bin = 0;            // pixels

  // The local background: columns dx0 <= dx < dx1 in row dy, relative to a peak's centre.
  struct RingRow {
    std::int64_t dy, dx0, dx1;
  };
  std::vector<RingRow> ring;

  std::size_t pixels() const { return ny * nx; }
  std::uint32_t panel(std::size_t pixel) const { return panel_of.empty() ? 0 : panel_of[pixel]; }
};

// Errc::usage as PeakFinder8::create.
Result<Plan> make_plan(const Geometry& geometry, const Mask& mask, const PeakParameters& p);

}  // namespace etalon::pf8
