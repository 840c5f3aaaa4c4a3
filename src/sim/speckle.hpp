// Speckle of a liquid of diffusing particles under coherent light: a series whose correlation times
// are known.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "etalon/result.hpp"
#include "frame/series.hpp"

namespace etalon {

inline constexpr std::string_view speckle_semantics =
    "speckle/1";  // changes when bytes may change for the same parameters

struct SpeckleParameters {
  std::uint64_t frames = 500;
  std::uint64_t seed = 1;
  std::size_t ny = 256, nx = 256;
  double wavelength_angstrom = 1.5, distance_m = 8, pixel_size_m = 75e-6;
  double frame_time_s = 0.01;
  double diffusion = 3e6;      // D, square angstrom a second
  double speckle_pixels = 2;   // full width at half maximum of a speckle
  unsigned modes = 1;          // independent ones that share the light: the contrast is 1 / modes
  double mean_counts = 0.5;    // photons a pixel and frame
  double beamstop_pixels = 6;  // masked round the beam, which meets the image's centre
};

// Every pixel sees the sum of `modes` intensities |E|^2. A mode's field is white complex Gaussian
// noise on the pixels, correlated in time as an autoregression, g1(t) = exp(-D q^2 t) with the
// pixel's own q = 4 pi / wavelength sin(theta), and smoothed by a Gaussian to the size of a
// speckle. Then, exactly but for the change of q across a speckle, g2(t) = 1 + exp(-2 D q^2 t) /
// modes (Siegert; B. J. Berne and R. Pecora, Dynamic Light Scattering, 1976). Photons are Poisson
// numbers.
class SpeckleSimulator {
 public:
  // Errc::usage names the parameter that makes no sense.
  static Result<SpeckleSimulator> create(const SpeckleParameters& parameters);

  const SpeckleParameters& parameters() const { return parameters_; }
  const SeriesInfo& info() const { return info_; }
  double contrast() const { return 1.0 / parameters_.modes; }

  // Frames in order, u16. The same images for any number of threads (0: one per processor).
  // Errc::interrupted when `stop` becomes true; an error of keep() ends it and is the result.
  Result<void> run(unsigned threads, const std::function<Result<void>(Frame)>& keep,
                   const std::atomic<bool>* stop = nullptr) const;

 private:
  explicit SpeckleSimulator(const SpeckleParameters& parameters);

  SpeckleParameters parameters_;
  SeriesInfo info_;
};

}  // namespace etalon
