#include "find_learn.hpp"

#include <algorithm>
#include <cstdio>

#include "kernels/finder/ice_rings.hpp"
#include "kernels/finder/learn.hpp"

namespace etalon::cli {
namespace {

constexpr std::uint64_t most_looked_at = 64;
constexpr std::size_t most_kept = 8;

// The frames with the most peaks of those looked at, which lie evenly in the series. Whatever the
// units, a spot stands out of its ring.
Result<std::vector<Array>> frames_with_peaks(SeriesReader& reader, PeakFinder8 finder) {
  ETALON_TRY(finder.set_sensitivity(0, 6));
  const std::uint64_t frames = reader.info().frames, looked_at = std::min(frames, most_looked_at);
  Progress progress("learning", looked_at, "frames");
  std::vector<std::pair<std::size_t, Array>> kept;  // by peaks, most first
  for (std::uint64_t i = 0; i < looked_at; ++i) {
    if (interrupted.load()) return Error{Errc::interrupted, "find: interrupted while learning"};
    ETALON_ASSIGN(Frame frame, reader.read(i * frames / looked_at));
    ETALON_ASSIGN(const std::vector<Peak> peaks, finder.find(frame.image.view()));
    const auto place = std::find_if(kept.begin(), kept.end(),
                                    [&](const auto& other) { return other.first < peaks.size(); });
    kept.insert(place, {peaks.size(), std::move(frame.image)});
    if (kept.size() > most_kept) kept.pop_back();
    progress.update(i + 1);
  }
  std::vector<Array> images;
  for (auto& [peaks, image] : kept) images.push_back(std::move(image));
  return images;
}

}  // namespace

Result<void> learn_settings(SeriesReader& reader, const FinderView& seen,
                            FinderSettings& settings) {
  Mask mask = seen.mask;
  if (settings.ice_rings != 0) {
    ETALON_TRY(mask_ice_rings(seen.geometry, settings.ice_rings, mask));
  }
  ETALON_ASSIGN(const PeakFinder8 finder,
                PeakFinder8::create(seen.geometry, mask, settings.parameters));
  ETALON_ASSIGN(const std::vector<Array> frames, frames_with_peaks(reader, finder));
  ETALON_ASSIGN(const LearnedPeaks learned,
                learn_peakfinder8(frames, seen.geometry, mask, settings.parameters));
  settings.parameters = learned.parameters;
  char line[300];
  std::snprintf(
      line, sizeof line,
      "auto: in the %zu of %llu frames with the most peaks these settings find %llu peaks, "
      "where chance gives %llu%s",
      learned.frames,
      static_cast<unsigned long long>(std::min(reader.info().frames, most_looked_at)),
      static_cast<unsigned long long>(learned.peaks),
      static_cast<unsigned long long>(learned.chance),
      learned.any_signal ? "" : ": hardly a signal to learn from");
  note(line);
  std::snprintf(line, sizeof line, "auto: --threshold %.9g --snr %.9g",
                static_cast<double>(learned.parameters.threshold),
                static_cast<double>(learned.parameters.snr));
  note(line);
  return {};
}

}  // namespace etalon::cli
