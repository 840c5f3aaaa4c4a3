// One generator of the dispersion finders' cases for unit tests, the fuzzer and the benchmark: the
// images of peakfinder8's, with parameters of their own.
#pragma once

#include "kernels/dispersion/dispersion.hpp"
#include "kernels/peakfinder8/peakfinder8_cases.hpp"

namespace etalon::dispersion {

struct Case {
  Geometry geometry;
  Mask mask;
  DispersionParameters parameters;
  Array image;
};

// Any case that Dispersion accepts, small, and often at an edge of something.
inline Case random_case(pf8::Dice& dice) {
  const pf8::Case base = pf8::random_case(dice);
  Case c{base.geometry, base.mask, {}, base.image};
  DispersionParameters& p = c.parameters;
  p.extended = dice.one_in(2);
  if (dice.one_in(2))
    p.kernel_size = {1 + static_cast<std::uint32_t>(dice.below(dice.one_in(5) ? 30 : 6)),
                     1 + static_cast<std::uint32_t>(dice.below(6))};
  p.sigma_background = static_cast<float>(dice.below(16)) / 2;
  p.sigma_strong = static_cast<float>(dice.below(10)) / 2;
  if (dice.one_in(3)) p.threshold = static_cast<float>(dice.below(40));
  if (dice.one_in(3)) p.gain = static_cast<float>(1 + dice.below(30)) / 10;
  const std::uint32_t whole = (2 * p.kernel_size[0] + 1) * (2 * p.kernel_size[1] + 1);
  if (dice.one_in(4)) p.min_local = 0;
  if (dice.one_in(4)) p.min_local = 2 + static_cast<std::uint32_t>(dice.below(whole - 1));
  p.min_pixels = 1 + static_cast<std::uint32_t>(dice.below(4));
  p.max_pixels = p.min_pixels + static_cast<std::uint32_t>(dice.below(50));
  p.max_separation = static_cast<float>(dice.below(8)) / 2;
  p.min_radius = base.parameters.min_radius;
  p.max_radius = base.parameters.max_radius;
  return c;
}

}  // namespace etalon::dispersion
