// What the dispersion finders know of a geometry and a mask, and the image as they see it.
#pragma once

#include <cstdint>
#include <vector>

#include "etalon/array.hpp"
#include "kernels/dispersion/dispersion_arith.hpp"
#include "kernels/panels.hpp"

namespace etalon::dispersion {

struct Plan {
  std::size_t ny = 0, nx = 0;
  std::vector<Panel> panels;
  std::vector<std::uint32_t> panel_of;  // per pixel; empty where the whole image is one panel
  Mask good;
  std::array<std::int64_t, 2> kernel_size{};

  std::uint32_t panel(std::size_t pixel) const { return panel_of.empty() ? 0 : panel_of[pixel]; }
};

// Errc::usage as Dispersion::create.
Result<Plan> make_plan(const Geometry& geometry, const Mask& mask, const DispersionParameters& p);

// What the steps leave one another; lives from frame to frame.
struct Scratch {
  std::vector<std::int32_t> values;  // working values, (y, x); bad_value where a pixel is not good
  // Pixels dispersed (step 1, any order), then strong (step 2), with their states.
  enum State : std::uint8_t { none, dispersed, eroded, strong, grouped };
  std::vector<std::uint32_t> pixels;
  std::vector<State> state;     // per pixel; all none between frames
  std::vector<double> columns;  // of _simd.cpp: running sums
};

// Calls f(pixel) for those of a panel within `reach` rows and columns of one.
template <typename F>
void for_window(const Plan& plan, std::size_t pixel, std::array<std::int64_t, 2> reach, F&& f) {
  const Panel& panel = plan.panels[plan.panel(pixel)];
  const std::size_t y = pixel / plan.nx, x = pixel % plan.nx;
  const auto ry = static_cast<std::size_t>(reach[0]), rx = static_cast<std::size_t>(reach[1]);
  const std::size_t y0 = std::max(y, panel.y0 + ry) - ry, y1 = std::min(y + ry + 1, panel.y1);
  const std::size_t x0 = std::max(x, panel.x0 + rx) - rx, x1 = std::min(x + rx + 1, panel.x1);
  for (std::size_t py = y0; py < y1; ++py)
    for (std::size_t px = x0; px < x1; ++px) f(py * plan.nx + px);
}

inline Window window_at(const Plan& plan, const std::vector<std::int32_t>& values,
                        std::size_t pixel) {
  Window window;
  for_window(plan, pixel, plan.kernel_size, [&](std::size_t i) {
    if (is_summed(values[i])) window.add(values[i]);
  });
  return window;
}

// Step 1: scratch.values to scratch.pixels. One reference, one for each instruction set.
void dispersed_ref(const Plan& plan, const Scale& scale, Scratch& scratch);
void dispersed_simd(const Plan& plan, const Scale& scale, Scratch& scratch);

// Step 2: scratch.pixels, dispersed ones, become strong ones with that state; all others have none.
void keep_strong(const Plan& plan, const Scale& scale, bool extended, Scratch& scratch);

// Steps 3 and 4; leaves all states none.
std::vector<Peak> measure_groups(const Plan& plan, const DispersionParameters& parameters,
                                 const Scale& scale, Scratch& scratch);

}  // namespace etalon::dispersion
