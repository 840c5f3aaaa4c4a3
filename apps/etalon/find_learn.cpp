#include "find_learn.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "kernels/finder/ice_rings.hpp"
#include "kernels/finder/learn.hpp"
#include "kernels/finder/learn_dispersion.hpp"

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

template <typename Learned>
void note_what_was_found(const Learned& learned, std::uint64_t frames) {
  char line[300];
  std::snprintf(
      line, sizeof line,
      "auto: in the %zu of %llu frames with the most peaks these settings find %llu peaks, "
      "where chance gives %llu%s",
      learned.frames, static_cast<unsigned long long>(std::min(frames, most_looked_at)),
      static_cast<unsigned long long>(learned.peaks),
      static_cast<unsigned long long>(learned.chance),
      learned.any_signal ? "" : ": hardly a signal to learn from");
  note(line);
}

std::string shortest(float value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

void note_options(const FinderSettings& settings) {
  const PeakParameters& p = settings.parameters;
  const DispersionParameters& d = settings.dispersion;
  if (settings.method == FindMethod::peakfinder8)
    note("auto: --threshold " + shortest(p.threshold) + " --snr " + shortest(p.snr));
  else
    note("auto: --method " + std::string(name_of(settings.method)) + " --sigma-background " +
         shortest(d.sigma_background) + " --sigma-strong " + shortest(d.sigma_strong) +
         " --threshold " + shortest(d.threshold) + " --gain " + shortest(d.gain) +
         " --min-pixels " + std::to_string(d.min_pixels));
}

}  // namespace

Result<void> learn_settings(SeriesReader& reader, const FinderView& seen,
                            const FinderOptions& options, FinderSettings& settings) {
  Mask mask = seen.mask;
  if (settings.ice_rings != 0) {
    ETALON_TRY(mask_ice_rings(seen.geometry, settings.ice_rings, mask));
  }
  ETALON_ASSIGN(const PeakFinder8 finder,
                PeakFinder8::create(seen.geometry, mask, settings.parameters));
  ETALON_ASSIGN(const std::vector<Array> frames, frames_with_peaks(reader, finder));
  if (settings.method == FindMethod::peakfinder8) {
    ETALON_ASSIGN(const LearnedPeaks learned,
                  learn_peakfinder8(frames, seen.geometry, mask, settings.parameters));
    settings.parameters = learned.parameters;
    note_what_was_found(learned, reader.info().frames);
  } else {
    DispersionParameters base = settings.dispersion;
    base.extended = settings.method == FindMethod::dispersion_extended;
    ETALON_ASSIGN(const LearnedDispersion learned,
                  learn_dispersion(frames, seen.geometry, mask, base, settings.parameters,
                                   {!options.gain_given, !options.min_pixels_given}));
    settings.dispersion = learned.parameters;
    note_what_was_found(learned, reader.info().frames);
  }
  note_options(settings);
  return {};
}

}  // namespace etalon::cli
