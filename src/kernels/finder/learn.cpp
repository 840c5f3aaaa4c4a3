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

Array shuffled(const Array& frame, const Rings& rings, std::mt19937_64& random) {
  Array copy = frame;
  visit(frame.dtype(), [&](auto zero) {
    const auto pixels = copy.as<decltype(zero)>();
    for (const std::vector<std::uint32_t>& ring : rings)
      for (std::size_t i = ring.size(); i > 1; --i)
        std::swap(pixels[ring[i - 1]], pixels[ring[random() % i]]);
  });
  return copy;
}

// 0, and values that ever fewer of the good pixels reach.
std::vector<float> thresholds_of(std::span<const Array> frames, const Mask& mask) {
  std::vector<float> values;
  for (const Array& frame : frames)
    visit(frame.dtype(), [&](auto zero) {
      const auto pixels = frame.as<decltype(zero)>();
      for (std::size_t i = 0; i < mask.size(); ++i) {
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
  for (const Array& frame : frames) without_spots.push_back(shuffled(frame, rings, random));

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
