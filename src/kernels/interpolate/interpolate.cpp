#include "kernels/interpolate/interpolate.hpp"

#include <algorithm>

#include "kernels/dispatch.hpp"

namespace etalon {

SampledLine::SampledLine(std::size_t samples)
    : size_(samples),
      line_(samples + interpolation::group),
      slope_(samples + interpolation::group) {}

void SampledLine::prepare() {
  for (std::size_t i = 0; i + 1 < size_; ++i) slope_[i] = line_[i + 1] - line_[i];
}

void SampledLine::add_to(std::span<float> out, double start, double step) const {
  const interpolation::Lines lines{line_.data(), slope_.data()};
  (use_reference() ? interpolation::add_ref : interpolation::add_simd)(lines, out, start, step);
}

}  // namespace etalon
