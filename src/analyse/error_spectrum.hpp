// At which frequencies the errors lie, beside the original's own spectrum: where the errors reach
// it the reduction has left nothing of the original's waves. D. Tao et al., Int. J. High Perform.
// Comput. Appl. 33 (2019) 285 (Z-checker); periodograms of overlapping segments: P. Welch, IEEE
// Trans. Audio Electroacoust. 15 (1967) 70.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "analyse/pair_rows.hpp"

namespace etalon {

// Along one axis. Lines are cut into segments of the largest power of two of elements that is at
// most the axis and 4096: as few as cover the line when neighbours overlap by half or more, evenly
// spaced. A segment loses its mean and is weighted by a periodic Hann window w. With F its Fourier
// transform, the power at k cycles a segment is |F_k|^2 / sum(w^2), averaged over all segments.
// Segments with an element that is not finite in both arrays are left out.
struct AxisSpectrum {
  std::size_t segment = 0;  // 0: axes of less than 8 elements are not judged
  std::uint64_t segments = 0, left_out = 0;
  std::vector<double> signal, error;  // sums over segments, by k from 0 to segment / 2

  struct Shell {
    double low, high;      // frequencies of the first and last k, cycles an element
    double signal, error;  // mean powers
  };
  // k of half an octave each; the last k, segment / 2, with those before.
  std::vector<Shell> shells() const;
  // Where the lowest shell begins whose error's power is at least the signal's.
  std::optional<double> reaches_signal_at() const;
};

class ErrorSpectrum {
 public:
  static constexpr std::size_t least_axis = 8, most_segment = 4096;

  // Blocks have equal shapes.
  void add(const PairRows& block);
  const std::vector<AxisSpectrum>& axes() const { return axes_; }

 private:
  std::vector<AxisSpectrum> axes_;
};

}  // namespace etalon
