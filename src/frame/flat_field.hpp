// Dark and flat correction of an integrating camera: how much of the open beam each pixel sees.
#pragma once

#include <span>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// (raw - dark) / (flat - dark), with dark and flat the means of their frames. A pixel is dead where
// flat - dark is no number, or below `least_share` of its median over the pixels where it is above
// 0: it is NaN in every image.
class FlatField {
 public:
  // Errc::usage for planes of different sizes, and when less than half of the pixels see the beam
  // (dark and flat exchanged).
  static Result<FlatField> create(std::span<const float> dark, std::span<const float> flat,
                                  float least_share = 0.1F);

  const Mask& mask() const { return mask_; }  // 0: dead
  // f32(f32(raw - dark) * gain) with gain = 1 / (flat - dark), each rounded once. `out` is f32 and
  // both have the planes' size, or Errc::usage.
  Result<void> apply(const ArrayView& raw, const MutableArrayView& out) const;

 private:
  std::vector<float> dark_, gain_;  // gain NaN: dead
  Mask mask_;
};

}  // namespace etalon
