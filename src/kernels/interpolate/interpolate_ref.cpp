#include <algorithm>
#include <cmath>

#include "kernels/dispatch.hpp"
#include "kernels/interpolate/interpolate.hpp"

namespace etalon::interpolation {

Offsets offsets_of(double step) {
  Offsets offsets;
  for (std::size_t i = 0; i < group; ++i)
    offsets[i] =
        static_cast<float>(std::floor(static_cast<double>(i) * std::abs(step) * double{unit})) /
        unit;
  return offsets;
}

Place lowest(double start, double step, std::size_t first, std::size_t count) {
  const std::size_t at = step < 0 ? first + count - 1 : first;
  const double place = std::max(0.0, start + static_cast<double>(at) * step);
  const auto whole = static_cast<std::size_t>(place);
  return {
      whole,
      static_cast<float>(std::floor((place - static_cast<double>(whole)) * double{unit})) / unit};
}

void add_group(const Lines& lines, std::span<float> out, double start, double step,
               const Offsets& offsets, std::size_t first) {
  const std::size_t count = std::min(group, out.size() - first);
  const Place low = lowest(start, step, first, count);
  for (std::size_t i = 0; i < count; ++i) {
    const float at = low.part + offsets[step < 0 ? count - 1 - i : i];
    const auto left = static_cast<std::int32_t>(at);
    const float share = at - static_cast<float>(left);
    const std::size_t k = low.whole + static_cast<std::size_t>(left);
    out[first + i] += lines.line[k] + share * lines.slope[k];
  }
}

void add_ref(const Lines& lines, std::span<float> out, double start, double step) {
  const Offsets offsets = offsets_of(step);
  for (std::size_t first = 0; first < out.size(); first += group)
    add_group(lines, out, start, step, offsets, first);
  record_run(0);
}

}  // namespace etalon::interpolation
