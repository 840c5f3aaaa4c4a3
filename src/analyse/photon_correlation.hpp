// X-ray photon correlation spectroscopy: how long speckle stays as it is, by scattering vector.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "frame/series.hpp"

namespace etalon {

// Rings of equal width in q round the beam.
struct QRings {
  std::vector<double> q;              // mean over a ring's pixels, 1/angstrom
  std::vector<std::uint32_t> pixels;  // good pixels, ring by ring, in the order of the image
  std::vector<std::uint32_t> begin;   // of a ring in `pixels`, rings + 1

  std::size_t count() const { return q.size(); }
  std::size_t size(std::size_t ring) const { return begin[ring + 1] - begin[ring]; }
};
// Errc::usage when the geometry does not say q, for less than a ring, for a range without good
// pixels; q_max 0: as far as the image reaches. Rings without pixels are left out.
Result<QRings> make_rings(const SeriesInfo& info, double q_min, double q_max, std::size_t rings);

// A point of a correlation curve.
struct Correlation {
  std::uint64_t lag = 0;    // frames
  std::uint64_t pairs = 0;  // of (summed) frames that it is a mean over
  double g2 = 0;
};

// g2(k) = <I(t) I(t+k)> / (<I(t)> <I(t+k)>): means over a ring's pixels and all pairs of frames,
// the two below each over the frames that take part (symmetric normalization). Lags 1 to `channels`
// at full time resolution, then with frames summed in twos, fours, ... at lags from channels / 2 +
// 1 to channels of such sums: multiple-tau (K. Schaetzel, Quantum Opt. 2 (1990) 287). Sums are
// exact integers: the same result for any number of threads.
class MultiTau {
 public:
  // `channels` even, 4 to 1024; threads 0: one per processor.
  MultiTau(QRings rings, std::size_t channels, unsigned threads);
  ~MultiTau();
  MultiTau(MultiTau&&) noexcept;
  MultiTau& operator=(MultiTau&&) noexcept;

  // The next frame of the series. Errc::usage for elements that are no integers of at most 32 bits,
  // Errc::malformed for a good pixel beyond +-2^31 (u32).
  Result<void> add(const ArrayView& image);
  std::uint64_t frames() const;
  const QRings& rings() const;
  // Of a ring, by lag. Curves of rings without a photon are empty.
  std::vector<Correlation> curve(std::size_t ring) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// All pairs of frames: C(t1, t2) = <I(t1) I(t2)> / (<I(t1)> <I(t2)>) with means over a ring's
// pixels (M. Sutton et al., Opt. Express 11 (2003) 2268). NaN where a frame has no photon in the
// ring.
class TwoTime {
 public:
  // Keeps the rings' pixels of all frames: `most_frames` bounds it.
  TwoTime(QRings rings, std::uint64_t most_frames, unsigned threads);
  ~TwoTime();
  TwoTime(TwoTime&&) noexcept;
  TwoTime& operator=(TwoTime&&) noexcept;
  // As MultiTau's; Errc::usage for more frames than were announced.
  Result<void> add(const ArrayView& image);
  // (frames, frames), symmetric; f64.
  Array matrix(std::size_t ring) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// g2 = baseline + contrast exp(-2 rate t) by least squares, weighted by pairs.
struct RelaxationFit {
  double baseline = 0, contrast = 0;
  double rate = 0, rate_sigma = 0;  // 1/s; of the field's correlation: tau = 1 / rate
  double residual = 0;              // root of the weighted mean square
};
// Errc::check when the curve has fewer than five points or does not decay within its lags.
Result<RelaxationFit> fit_relaxation(const std::vector<Correlation>& curve, double frame_time_s);

}  // namespace etalon
