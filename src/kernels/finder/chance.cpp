#include "kernels/finder/chance.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/peakfinder8/peakfinder8.hpp"

namespace etalon {
namespace {

// Good pixels by their radial bin.
using Rings = std::vector<std::vector<std::uint32_t>>;

Rings rings_of(const Geometry& geometry, const Mask& mask) {
  const std::vector<float> radius = radius_map(geometry);
  Rings rings;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0 || !(radius[i] < 1e7F)) continue;
    const auto bin = static_cast<std::size_t>(std::nearbyint(radius[i]));
    if (bin >= rings.size()) rings.resize(bin + 1);
    rings[bin].push_back(static_cast<std::uint32_t>(i));
  }
  return rings;
}

// The mask without what lies round peaks.
Mask without_peaks(Mask mask, const Geometry& g, const std::vector<Peak>& peaks) {
  for (const Peak& peak : peaks) {
    const double reach = 2 + std::sqrt(peak.pixels / 3.14);
    const auto y = static_cast<double>(peak.y), x = static_cast<double>(peak.x);
    const auto first = [&](double at) {
      return static_cast<std::size_t>(std::max(at - reach, 0.0));
    };
    for (std::size_t py = first(y); py < g.ny && static_cast<double>(py) <= y + reach; ++py)
      for (std::size_t px = first(x); px < g.nx && static_cast<double>(px) <= x + reach; ++px)
        mask[py * g.nx + px] = 0;
  }
  return mask;
}

// Every good pixel has the value of a random one of its ring that is not near a peak: each of those
// is used once, and as many as are wanting more often.
Array shuffled(const Array& frame, const Rings& rings, const Mask& quiet, std::mt19937_64& random) {
  Array copy = frame;
  visit(frame.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto from = frame.as<T>();
    const auto to = copy.as<T>();
    std::vector<T> values;
    for (const std::vector<std::uint32_t>& ring : rings) {
      values.clear();
      for (const std::uint32_t pixel : ring)
        if (quiet[pixel] != 0) values.push_back(from[pixel]);
      if (values.empty()) continue;
      for (std::size_t known = values.size(); values.size() < ring.size();)
        values.push_back(values[random() % known]);
      for (std::size_t i = ring.size(); i > 0; --i) {
        std::swap(values[i - 1], values[random() % i]);
        to[ring[i - 1]] = values[i - 1];
      }
    }
  });
  return copy;
}

}  // namespace

Result<QuietFrames> QuietFrames::create(std::span<const Array> frames, const Geometry& geometry,
                                        const Mask& mask, const PeakParameters& parameters,
                                        float snr) {
  PeakParameters loose = parameters;
  loose.threshold = 0;
  loose.snr = snr;
  loose.min_pixels = std::max(2U, parameters.min_pixels);
  loose.max_pixels = std::max(loose.min_pixels, parameters.max_pixels);
  ETALON_ASSIGN(PeakFinder8 anything, PeakFinder8::create(geometry, mask, loose));
  const Rings rings = rings_of(geometry, mask);
  std::mt19937_64 random(1);
  QuietFrames quiet;
  for (const Array& frame : frames) {
    ETALON_ASSIGN(const std::vector<Peak> peaks, anything.find(frame.view()));
    quiet.masks.push_back(without_peaks(mask, geometry, peaks));
    quiet.without_spots.push_back(shuffled(frame, rings, quiet.masks.back(), random));
  }
  return quiet;
}

std::vector<float> thresholds_of(std::span<const Array> frames, const Mask& mask,
                                 std::span<const double> shares) {
  const std::size_t step = frames.size() * mask.size() / (std::size_t{1} << 22) + 1;
  std::vector<float> values;
  for (const Array& frame : frames)
    visit(frame.dtype(), [&](auto zero) {
      const auto pixels = frame.as<decltype(zero)>();
      for (std::size_t i = 0; i < mask.size(); i += step) {
        const auto v = static_cast<float>(pixels[i]);
        if (mask[i] != 0 && std::isfinite(v) && v > 0) values.push_back(v);
      }
    });
  std::vector<float> thresholds{0};
  for (const double share : shares) {
    const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size()));
    if (values.empty()) break;
    std::nth_element(values.begin(), values.begin() + rank, values.end(), std::greater<>());
    if (values[static_cast<std::size_t>(rank)] > thresholds.back())
      thresholds.push_back(values[static_cast<std::size_t>(rank)]);
  }
  return thresholds;
}

}  // namespace etalon
