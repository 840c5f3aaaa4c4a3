// Step 2. One variant for all backends, since few pixels come this far.
#include "kernels/dispersion/dispersion_plan.hpp"

namespace etalon::dispersion {
namespace {

using Pixels = std::vector<std::uint32_t>;

// Leaves those of the pixels for which f says so, and sets their state; the others have none.
template <typename F>
void keep(Scratch& scratch, Scratch::State state, F&& f) {
  Pixels kept;
  for (std::uint32_t pixel : scratch.pixels)
    if (f(pixel)) kept.push_back(pixel);
  for (std::uint32_t pixel : scratch.pixels) scratch.state[pixel] = Scratch::none;
  for (std::uint32_t pixel : kept) scratch.state[pixel] = state;
  scratch.pixels = std::move(kept);
}

}  // namespace

void keep_strong(const Plan& plan, const Scale& scale, bool extended, Scratch& scratch) {
  const std::vector<std::int32_t>& values = scratch.values;
  if (!extended) {
    keep(scratch, Scratch::strong, [&](std::uint32_t pixel) {
      return is_strong(values[pixel], window_at(plan, values, pixel), scale);
    });
    return;
  }
  for (std::uint32_t pixel : scratch.pixels) scratch.state[pixel] = Scratch::dispersed;
  const std::int64_t depth = std::min(plan.kernel_size[0], plan.kernel_size[1]) - 1;
  keep(scratch, Scratch::eroded, [&](std::uint32_t pixel) {
    bool inside = true;
    for_window(plan, pixel, {depth, depth},
               [&](std::size_t i) { inside &= scratch.state[i] == Scratch::dispersed; });
    return inside;
  });
  keep(scratch, Scratch::strong, [&](std::uint32_t pixel) {
    Window background;
    for_window(plan, pixel, {plan.kernel_size[0] + 2, plan.kernel_size[1] + 2}, [&](std::size_t i) {
      if (is_summed(values[i]) && scratch.state[i] != Scratch::eroded) background.add(values[i]);
    });
    return is_strong_above(values[pixel], background, scale);
  });
}

}  // namespace etalon::dispersion
