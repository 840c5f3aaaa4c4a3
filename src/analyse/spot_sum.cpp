#include "analyse/spot_sum.hpp"

#include <algorithm>
#include <cstdlib>

namespace etalon {
namespace {

template <typename T>
std::optional<SpotSum> sum_pixels(std::span<const T> pixels, const Mask& mask, long ny, long nx,
                                  long cy, long cx, const Aperture& aperture) {
  const long half = static_cast<long>(aperture.half);
  const long first = static_cast<long>(aperture.ring_first);
  const long last = static_cast<long>(aperture.ring_last);
  if (cy < half || cx < half || cy + half >= ny || cx + half >= nx) return std::nullopt;
  SpotSum sum;
  for (long y = std::max(cy - last, 0L); y <= std::min(cy + last, ny - 1); ++y)
    for (long x = std::max(cx - last, 0L); x <= std::min(cx + last, nx - 1); ++x) {
      const long distance = std::max(std::abs(y - cy), std::abs(x - cx));
      const bool in_signal = distance <= half;
      if (!in_signal && distance < first) continue;
      const auto i = static_cast<std::size_t>(y * nx + x);
      const auto value = static_cast<double>(pixels[i]);
      if ((!mask.empty() && mask[i] == 0) || !std::isfinite(value)) {
        if (in_signal) return std::nullopt;
        continue;
      }
      (in_signal ? sum.signal : sum.ring) += value;
      ++(in_signal ? sum.signal_pixels : sum.ring_pixels);
    }
  if (2 * sum.ring_pixels < aperture.ring_pixels()) return std::nullopt;
  return sum;
}

}  // namespace

std::optional<SpotSum> sum_spot(const ArrayView& image, const Mask& mask, double x, double y,
                                const Aperture& aperture) {
  const long ny = static_cast<long>(image.shape[0]), nx = static_cast<long>(image.shape[1]);
  if (!(x > -0.5 && y > -0.5 && x < static_cast<double>(nx) && y < static_cast<double>(ny)))
    return std::nullopt;
  const long cy = static_cast<long>(std::floor(y + 0.5)),
             cx = static_cast<long>(std::floor(x + 0.5));
  return visit(image.dtype, [&](auto zero) {
    return sum_pixels(image.as<decltype(zero)>(), mask, ny, nx, cy, cx, aperture);
  });
}

}  // namespace etalon
