#include "kernels/finder/learn.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

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

// 0, and values that ever fewer of the good pixels above 0 reach; of many pixels some are asked.
std::vector<float> thresholds_of(std::span<const Array> frames, const Mask& mask) {
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
  for (const double share : {1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5}) {
    const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size()));
    if (values.empty()) break;
    std::nth_element(values.begin(), values.begin() + rank, values.end(), std::greater<>());
    if (values[static_cast<std::size_t>(rank)] > thresholds.back())
      thresholds.push_back(values[static_cast<std::size_t>(rank)]);
  }
  return thresholds;
}

Result<std::uint64_t> peaks_in(std::span<const Array> frames, PeakFinder8& finder) {
  std::uint64_t peaks = 0;
  for (const Array& frame : frames) {
    ETALON_ASSIGN(const std::vector<Peak> found, finder.find(frame.view()));
    peaks += found.size();
  }
  return peaks;
}

}  // namespace

Result<LearnedPeaks> learn_peakfinder8(std::span<const Array> frames, const Geometry& geometry,
                                       const Mask& mask, const PeakParameters& base) {
  ETALON_ASSIGN(PeakFinder8 finder, PeakFinder8::create(geometry, mask, base));
  const Rings rings = rings_of(geometry, mask);
  std::mt19937_64 random(1);
  std::vector<Array> without_spots;
  PeakParameters loose = base;
  loose.threshold = 0;
  loose.snr = 3.5;
  loose.min_pixels = std::max(2U, base.min_pixels);
  loose.max_pixels = std::max(loose.min_pixels, base.max_pixels);
  ETALON_ASSIGN(PeakFinder8 anything, PeakFinder8::create(geometry, mask, loose));
  for (const Array& frame : frames) {
    ETALON_ASSIGN(const std::vector<Peak> peaks, anything.find(frame.view()));
    const Mask quiet = without_peaks(mask, geometry, peaks);
    without_spots.push_back(shuffled(frame, rings, quiet, random));
  }

  LearnedPeaks best;
  best.parameters = base;
  best.frames = frames.size();
  bool chosen = false;
  const std::vector<float> thresholds = thresholds_of(frames, mask);
  for (const float snr : {8.0F, 7.0F, 6.0F, 5.0F, 4.5F, 4.0F, 3.5F})
    for (auto threshold = thresholds.rbegin(); threshold != thresholds.rend(); ++threshold) {
      LearnedPeaks tried = best;
      tried.parameters.snr = snr;
      tried.parameters.threshold = *threshold;
      ETALON_TRY(finder.set_sensitivity(*threshold, snr));
      ETALON_ASSIGN(tried.chance, peaks_in(without_spots, finder));
      ETALON_ASSIGN(tried.peaks, peaks_in(frames, finder));
      const bool rare = 100 * tried.chance <= tried.peaks || 4 * tried.chance <= frames.size();
      const auto above = [](const LearnedPeaks& p) {
        return static_cast<std::int64_t>(p.peaks) - static_cast<std::int64_t>(p.chance);
      };
      if (!rare || (chosen && above(tried) <= above(best))) continue;
      best = tried;
      chosen = true;
    }
  best.any_signal = best.peaks >= 10 * (best.chance + 1);
  return best;
}

}  // namespace etalon
