#include "kernels/finder/learn.hpp"

#include <vector>

#include "kernels/finder/chance.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"

namespace etalon {
namespace {

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
  ETALON_ASSIGN(const QuietFrames quiet, QuietFrames::create(frames, geometry, mask, base, 3.5F));

  LearnedPeaks best;
  best.parameters = base;
  best.frames = frames.size();
  bool chosen = false;
  constexpr double shares[] = {1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5};
  const std::vector<float> thresholds = thresholds_of(frames, mask, shares);
  for (const float snr : {8.0F, 7.0F, 6.0F, 5.0F, 4.5F, 4.0F, 3.5F})
    for (auto threshold = thresholds.rbegin(); threshold != thresholds.rend(); ++threshold) {
      LearnedPeaks tried = best;
      tried.parameters.snr = snr;
      tried.parameters.threshold = *threshold;
      ETALON_TRY(finder.set_sensitivity(*threshold, snr));
      ETALON_ASSIGN(tried.chance, peaks_in(quiet.without_spots, finder));
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
