// X-ray photon correlation spectroscopy: how long speckle stays as it is, by scattering vector.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "frame/series.hpp"

namespace etalon {

using Int128 = __int128;

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

// Pixels [from, to) of the rings', and the rings that have any of them: the first and the last may
// be cut.
struct RingsPart {
  QRings rings;
  std::size_t first_ring = 0;
};
RingsPart part_of(const QRings& rings, std::size_t from, std::size_t to);

// What the rings' pixels of a frame have counted.
struct RingCounts {
  std::vector<std::int32_t> values;
  std::uint32_t largest = 0;  // of the absolute values
};
// Errc::usage for elements that are no integers of at most 32 bits, Errc::malformed for a good
// pixel beyond +-2^31 (u32).
Result<RingCounts> counts_of(const QRings& rings, const ArrayView& image);

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

  // The next frame of the series; errors are those of counts_of().
  Result<void> add(const ArrayView& image);
  // Of the rings' pixels alone; `largest`: at least all of the frame, of which the rings may be a
  // part.
  void add(std::span<const std::int32_t> counts, std::uint32_t largest);

  // Adds the sums of a part of the rings, which begins in `first_ring`, over the same frames, or
  // over any where nothing was added before. For curve() only: no frame can follow. Errc::malformed
  // when it does not fit.
  Result<void> merge(const MultiTau& part, std::size_t first_ring);
  // `whole`: all that the next frame needs; else the sums, for merge() and curve(). The rings and
  // channels are not in it.
  Bytes pack(bool whole) const;
  // One thread. Errc::malformed for what nobody has packed; lengths are never trusted.
  static Result<MultiTau> unpack(QRings rings, std::size_t channels, ByteSpan bytes, bool whole);

  std::uint64_t frames() const;
  const QRings& rings() const;
  // Of a ring, by lag. Curves of rings without a photon are empty.
  std::vector<Correlation> curve(std::size_t ring) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Exact sums over some pixels: of every frame, and of the products of every pair of frames.
struct PairSums {
  std::vector<std::int64_t> frames;
  std::vector<Int128> products;  // rows of the upper triangle

  // Adds those of other pixels.
  Result<void> merge(const PairSums& part);
  Array matrix(std::size_t pixels) const;  // TwoTime's
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
  Result<void> add(std::span<const std::int32_t> counts, std::uint32_t largest);
  PairSums sums(std::size_t ring) const;
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
