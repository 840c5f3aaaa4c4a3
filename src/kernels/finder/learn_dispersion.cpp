#include "kernels/finder/learn_dispersion.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <tuple>

namespace etalon {
namespace {

constexpr float certain_snr = 5;  // of the spots that chance is measured without
constexpr std::uint64_t fewest_for_one_by_chance = 300;  // peaks
constexpr std::size_t block = 8;          // pixels, the side of what the gain is taken from
constexpr std::size_t least_blocks = 16;  // with fewer, the gain is not known

float two_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return static_cast<float>(std::strtod(text, nullptr));
}

// Variance over mean of a block of pixels; below 0 where some are not to be looked at or the mean
// is not above 0.
template <typename T>
double dispersion_of(std::span<const T> pixels, const Mask& quiet, std::size_t nx, std::size_t y0,
                     std::size_t x0) {
  constexpr double n = block * block;
  double sum = 0, squares = 0;
  for (std::size_t y = y0; y < y0 + block; ++y)
    for (std::size_t x = x0; x < x0 + block; ++x) {
      const auto value = static_cast<double>(pixels[y * nx + x]);
      if (quiet[y * nx + x] == 0 || !std::isfinite(value)) return -1;
      sum += value;
      squares += value * value;
    }
  return sum > 0 ? (n * squares - sum * sum) / (sum * (n - 1)) : -1;
}

// `otherwise` where too little of the frames tells.
float gain_of(std::span<const Array> frames, const std::vector<Mask>& quiet, const Geometry& g,
              float otherwise) {
  std::vector<double> all;
  for (std::size_t i = 0; i < frames.size(); ++i)
    visit(frames[i].dtype(), [&](auto zero) {
      const auto pixels = frames[i].as<decltype(zero)>();
      for (const Panel& panel : g.panels_or_whole())
        for (std::size_t y = panel.y0; y + block <= panel.y1; y += block)
          for (std::size_t x = panel.x0; x + block <= panel.x1; x += block) {
            const double d = dispersion_of<decltype(zero)>(pixels, quiet[i], g.nx, y, x);
            if (d > 0) all.push_back(d);
          }
    });
  if (all.size() < least_blocks) return otherwise;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  const float gain = two_digits(*middle);
  return gain > 0 && std::isfinite(gain) ? gain : otherwise;
}

// Smallest spots to try, the smallest last.
std::vector<std::uint32_t> sizes_of(const DispersionParameters& base, bool learn) {
  std::vector<std::uint32_t> sizes;
  if (learn)
    for (const std::uint32_t pixels : {6U, 4U, 3U, 2U})
      if (pixels <= base.max_pixels) sizes.push_back(pixels);
  if (sizes.empty()) sizes.push_back(base.min_pixels);
  return sizes;
}

// Peaks of at least so many pixels, for each size.
Result<std::vector<std::uint64_t>> peaks_in(std::span<const Array> frames, Dispersion& finder,
                                            const std::vector<std::uint32_t>& sizes) {
  std::vector<std::uint64_t> counts(sizes.size());
  for (const Array& frame : frames) {
    ETALON_ASSIGN(const std::vector<Peak> found, finder.find(frame.view()));
    for (const Peak& peak : found)
      for (std::size_t i = 0; i < sizes.size(); ++i) counts[i] += peak.pixels >= sizes[i];
  }
  return counts;
}

auto merit(const LearnedDispersion& p) {
  return std::tuple(static_cast<std::int64_t>(p.peaks) - static_cast<std::int64_t>(p.chance),
                    p.parameters.sigma_strong, p.parameters.sigma_background,
                    p.parameters.threshold, p.parameters.min_pixels);
}

}  // namespace

Result<LearnedDispersion> learn_dispersion(std::span<const Array> frames, const Geometry& geometry,
                                           const Mask& mask, const DispersionParameters& base,
                                           const PeakParameters& where_spots_are,
                                           DispersionLearning what) {
  ETALON_TRY(Dispersion::create(geometry, mask, base));
  ETALON_ASSIGN(const QuietFrames quiet,
                QuietFrames::create(frames, geometry, mask, where_spots_are, certain_snr));
  LearnedDispersion best;
  best.parameters = base;
  best.frames = frames.size();
  if (what.gain) best.parameters.gain = gain_of(frames, quiet.masks, geometry, base.gain);
  constexpr double shares[] = {1e-2, 1e-3, 1e-4};
  const std::vector<float> thresholds = thresholds_of(frames, mask, shares);
  bool chosen = false;
  const std::vector<std::uint32_t> sizes = sizes_of(base, what.min_pixels);
  // Keeps the best of the smallest spots; whether chance gives hardly any of all sizes.
  const auto judge = [&](DispersionParameters tried) -> Result<bool> {
    tried.min_pixels = sizes.back();
    ETALON_ASSIGN(Dispersion finder, Dispersion::create(geometry, mask, tried));
    ETALON_ASSIGN(const auto chance, peaks_in(quiet.without_spots, finder, sizes));
    ETALON_ASSIGN(const auto peaks, peaks_in(frames, finder, sizes));
    bool all_rare = true;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      LearnedDispersion now = best;
      now.parameters = tried;
      now.parameters.min_pixels = sizes[i];
      now.peaks = peaks[i];
      now.chance = chance[i];
      const bool rare =
          fewest_for_one_by_chance * now.chance <= now.peaks || 4 * now.chance <= frames.size();
      all_rare = all_rare && rare;
      if (!rare || (chosen && merit(now) <= merit(best))) continue;
      best = now;
      chosen = true;
    }
    return all_rare;
  };
  DispersionParameters tried = best.parameters;
  for (const float background : {8.0F, 6.0F, 5.0F, 4.0F, 3.0F})
    for (const float strong : {5.0F, 4.0F, 3.0F, 2.5F, 2.0F})
      for (const float threshold : thresholds) {  // higher ones only lose spots once chance is rare
        tried.sigma_background = background;
        tried.sigma_strong = strong;
        tried.threshold = threshold;
        ETALON_ASSIGN(const bool all_rare, judge(tried));
        if (all_rare) break;
      }
  best.any_signal = best.peaks >= 10 * (best.chance + 1);
  return best;
}

}  // namespace etalon
