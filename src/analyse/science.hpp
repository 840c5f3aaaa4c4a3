// What a reduction does to the science in its frames: peaks, hits, intensities, radial profile,
// each against the raw frames. docs/science.md says what every number means.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyse/places.hpp"
#include "analyse/running_mean.hpp"
#include "analyse/science_crystals.hpp"
#include "analyse/spot_sum.hpp"
#include "etalon/peaks.hpp"
#include "kernels/finder/finder.hpp"

namespace etalon {

struct ScienceSettings {
  FinderSettings finder;
  std::uint32_t min_peaks = 15;                    // of a hit
  double gain = 1;                                 // units of the image a photon
  std::optional<CrystalScienceSettings> crystals;  // none: crystals are not judged
};

// Peaks of raw and reduced frame are the same when they lie within this; each is taken once, the
// nearest pairs first.
inline constexpr double match_px = 1.5;
// Strong spots: the peaks found in the raw frame. 5 x 5 pixels hold a spot of 0.75 pixels' sigma to
// 99.8 %; with the ring they are what a lossless box of half = 4 covers.
inline constexpr Aperture strong_aperture{2, 3, 4};
// Weak spots: given places with no found peak nearer than this along x and y (beyond it, a peak
// does not reach their ring), whose raw sum is within so many of its standard deviations of 0: what
// is farther off is a hot pixel or no weak spot.
inline constexpr Aperture weak_aperture{1, 3, 4};
inline constexpr double weak_clearance_px = 6;
inline constexpr double weak_sigmas = 5;

// Sums over good pixels by their distance from the beam centre, rounded to pixels; the nearest
// distance comes first.
struct RadialProfile {
  std::vector<std::uint64_t> pixels;
  std::vector<double> sum;
};

// What one image shows.
struct FrameLook {
  std::vector<Peak> peaks;
  std::vector<Place> strong, weak;                             // of a raw image
  std::vector<std::optional<SpotSum>> strong_sums, weak_sums;  // none where bad pixels are
  RadialProfile profile;
  StillCrystals crystals;  // of a hit, where they are judged
};

// A raw frame and, unless the reduction left it out, what became of it.
struct FrameScience {
  std::uint64_t frame = 0;
  FrameLook raw;
  std::optional<FrameLook> reduced;
};

// Not thread-safe: give each thread a copy.
class ScienceJudge {
 public:
  // Errc::usage as Finder::create and CrystalFinder::create, for a gain that is not above 0, and
  // where good pixels are more than 2^24 pixels farther from the beam than others.
  static Result<ScienceJudge> create(const Geometry& geometry, const Mask& mask,
                                     const ScienceSettings& settings);

  const ScienceSettings& settings() const { return settings_; }
  // Images are (y, x), of any element type.
  Result<FrameLook> look_at_raw(const ArrayView& image, std::span<const Place> predicted);
  // At the raw frame's places.
  Result<FrameLook> look_at_reduced(const ArrayView& image, const FrameLook& raw);

 private:
  struct Pixels {
    Mask mask;
    std::vector<std::uint32_t> bin;  // of every pixel
    std::uint32_t bins = 0;
  };
  ScienceJudge(Finder finder, std::shared_ptr<const Pixels> pixels,
               std::shared_ptr<const CrystalFinder> crystals, const ScienceSettings& settings);
  static Result<Pixels> pixels_of(const Geometry& geometry, const Mask& mask);
  Result<std::vector<Peak>> find(const ArrayView& image);
  void measure(const ArrayView& image, FrameLook& look) const;

  ScienceSettings settings_;
  Finder finder_;
  std::shared_ptr<const Pixels> pixels_;
  std::shared_ptr<const CrystalFinder> crystals_;  // null: not judged
};

// How many of these peaks are among those, as match_px says.
std::size_t matched_peaks(std::span<const Peak> these, std::span<const Peak> those);

// Numbers that could not be judged are NaN.
struct ScienceReport {
  ScienceSettings settings;
  std::uint64_t frames = 0, compared = 0;  // of the raw series; found in the reduction

  // Over the compared frames.
  std::uint64_t raw_peaks = 0, reduced_peaks = 0, peaks_kept = 0;
  std::uint64_t peaks_lost() const { return raw_peaks - peaks_kept; }
  std::uint64_t peaks_invented() const { return reduced_peaks - peaks_kept; }

  // Frames, by their numbers in the raw series. A hit that was left out is lost.
  std::vector<std::uint64_t> hits_kept, hits_lost, hits_invented;
  std::uint64_t hits_left_out = 0;  // among the lost

  struct Strong {
    std::uint64_t places = 0;   // judged: differences.n()
    RunningMean differences;    // (reduced - raw) / sigma of the raw sum
    double raw = 0, shift = 0;  // sums of raw and of reduced - raw, units of the image
    double relative_bias() const;
  } strong;
  struct Weak {
    bool given = false;        // whether places were
    std::uint64_t places = 0;  // judged: differences.n()
    RunningMean raw, differences;
    // Mean difference over mean raw sum, and its 99 % interval to either side. NaN for fewer than
    // two spots, or when the raw mean is less than three of its standard errors.
    double bias() const;
    double half_width() const;
  } weak;

  RadialProfile raw_profile, reduced_profile;
  std::uint64_t radial_bins() const;
  double radial_chi2() const;  // per bin

  CrystalScience crystals;

  // What `--keep` may ask for: name -> number; docs/science.md.
  std::map<std::string, double, std::less<>> metrics() const;
};

// Adds frames up; their order decides the order of the lists alone.
class ScienceTally {
 public:
  ScienceTally(const ScienceSettings& settings, bool places_given);
  void add(const FrameScience& frame) { add(frame.frame, frame.raw, frame.reduced); }
  void add(std::uint64_t number, const FrameLook& raw, const std::optional<FrameLook>& reduced);
  // Of what was added so far; merges the crystals' intensities.
  ScienceReport report() const;

 private:
  ScienceReport report_;
  CrystalScienceTally crystals_;
};

}  // namespace etalon
