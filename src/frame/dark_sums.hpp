// Pedestals from dark frames of a detector with three gains, by integer sums.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "frame/gain_constants.hpp"

namespace etalon {

// When a pixel of a gain is bad. RMS is taken over its dark frames, the median over the pixels of
// its gain that have one.
struct DarkLimits {
  double most_rms_in_medians = 4;          // noisier: bad
  double least_adu = 1, most_adu = 16382;  // a mean outside: bad
};

// Sums over dark frames, for each pixel and gain; a pixel counts for the gain that its bits name,
// so that dark runs with the gain forced may come in any order. Exact for up to 2^32 frames.
class DarkSums {
 public:
  DarkSums(std::size_t ny, std::size_t nx);

  // (y, x) raw values. Pixels with invalid gain bits are passed over.
  void add(std::span<const std::uint16_t> raw);

  // Sets the pedestals of the gains that dark frames were in; of the others they stay. A pixel is
  // bad, in all gains, where one gain has dark frames and it has none there, the same value in all
  // of two or more (dead), or a mean or an RMS outside the limits. Returns how many of `measured`
  // became bad.
  std::size_t apply(GainConstants& measured, const DarkLimits& limits = {}) const;

 private:
  struct Sums {
    std::uint32_t n = 0;
    std::uint64_t s = 0, q = 0;  // of v and v * v
    double rms() const;
  };
  std::size_t ny_, nx_;
  std::array<std::vector<Sums>, 3> sums_;  // empty: no pixel was in that gain yet
};

// A pedestal that follows dark frames during a run: t' = t + v - t / 2^shift in integers, with t
// the pedestal times 2^shift in 1/64 ADU. A step is followed to 1 - 1/e after 2^shift dark frames.
class PedestalTracker {
 public:
  // `start_adu`: the pedestals of gain `gain`; shift 1 to 16.
  PedestalTracker(std::span<const float> start_adu, unsigned gain, unsigned shift);

  void add(std::span<const std::uint16_t> raw);  // pixels in other gains are passed over
  float pedestal_adu(std::size_t pixel) const;
  // Of all pixels, in 1/64 ADU, cut towards zero.
  std::vector<std::int32_t> pedestals() const;

 private:
  unsigned bits_, shift_;
  std::vector<std::int64_t> level_;
};

}  // namespace etalon
