// The definition of step 1, as plain as it can be said.
#include "kernels/dispatch.hpp"
#include "kernels/dispersion/dispersion_plan.hpp"

namespace etalon::dispersion {

void dispersed_ref(const Plan& plan, const Scale& scale, Scratch& scratch) {
  record_run(0);
  scratch.pixels.clear();
  for (std::size_t i = 0; i < scratch.values.size(); ++i)
    if (scratch.values[i] != bad_value && is_dispersed(window_at(plan, scratch.values, i), scale))
      scratch.pixels.push_back(static_cast<std::uint32_t>(i));
}

}  // namespace etalon::dispersion
