// The definition of steps 1 and 2, as plain as it can be said.
#include "kernels/dispatch.hpp"
#include "kernels/peakfinder8/peakfinder8_background.hpp"

namespace etalon::pf8 {
namespace {

template <typename T>
void background(const Plan& plan, const Scale& scale, const T* image, Background& result) {
  result.bins.assign(plan.bins + 1, Bin{});
  for (int round = 0; round < rounds; ++round) {
    for (Bin& bin : result.bins) bin.sums = {};
    for (std::size_t i = 0; i < plan.pixels(); ++i) {
      if (plan.bin_of[i] == plan.bins) continue;
      Bin& bin = result.bins[plan.bin_of[i]];
      const std::int32_t w = working_value(image[i], scale.per_unit);
      if (w >= bin.limits.lo && w <= bin.limits.hi) bin.sums.add(w);
    }
    for (Bin& bin : result.bins) bin.limits = limits_of(bin.sums, scale);
  }
  result.fired.clear();
  for (std::size_t i = 0; i < plan.pixels(); ++i) {
    const std::int32_t w = working_value(image[i], scale.per_unit);
    if (w >= result.bins[plan.bin_of[i]].limits.fire)  // above bad_value
      result.fired.push_back(static_cast<std::uint32_t>(i));
  }
}

}  // namespace

void background_ref(const Plan& plan, const Scale& scale, const ArrayView& image,
                    Background& result) {
  record_run(0);
  visit_image(image.dtype, [&](auto zero) {
    background(plan, scale, image.as<decltype(zero)>().data(), result);
  });
}

}  // namespace etalon::pf8
