// peakfinder8 (Barty et al., J. Appl. Cryst. 47 (2014) 1118-1131): spots above an iterated radial
// background. README.md here is the definition, step by step, to the bit.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

inline constexpr std::string_view peakfinder8_semantics =
    "peakfinder8/1";  // changes when peaks may change

// What one geometry and mask need (radial bins, pixel order; shared between copies) and scratch for
// one thread. Not thread-safe: give each thread a copy.
class PeakFinder8 {
 public:
  // Errc::usage for a mask of another size, a panel outside the image, or senseless parameters.
  static Result<PeakFinder8> create(const Geometry& geometry, const Mask& mask,
                                    const PeakParameters& parameters);
  ~PeakFinder8();
  PeakFinder8(const PeakFinder8&);
  PeakFinder8& operator=(const PeakFinder8&);
  PeakFinder8(PeakFinder8&&) noexcept;
  PeakFinder8& operator=(PeakFinder8&&) noexcept;

  // Other limits from now on, of this copy. Errc::usage as create.
  Result<void> set_sensitivity(float threshold, float snr);

  // Peaks of one (y, x) image, in the order of their first pixel (row major, panel by panel).
  // u8 u16 u32 i16 i32 f32; Errc::malformed for other types and shapes.
  Result<std::vector<Peak>> find(const ArrayView& image);

 private:
  struct Impl;
  explicit PeakFinder8(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
