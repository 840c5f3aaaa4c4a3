// What a reduction leaves of reflections too weak for any peak finder: many spots of known place
// and brightness over a flat background, summed before and after.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analyse/spot_sum.hpp"
#include "etalon/codec.hpp"

namespace etalon::bench {

struct WeakSpots {
  std::size_t side = 1024, pitch = 9;   // pixels of an image and from spot to spot
  double background = 1;                // mean photons of a pixel
  double weakest = 0.2, strongest = 2;  // mean photons of a spot, uniform between
  double sigma_px = 0.75;               // of a spot, a Gaussian anywhere within its pixel
  std::uint64_t seed = 1;

  // Neighbours share no pixel: rings of 9 x 9.
  static constexpr Aperture aperture{};
};

enum class Treatment : std::uint8_t {
  plain,    // as quantized
  clamped,  // dithered, then negative numbers set to 0
  dither,
};
std::string name_of(Treatment treatment);

struct Outcome {
  Treatment treatment = Treatment::plain;
  unsigned bound = 0;
  std::uint64_t spots = 0;  // over all frames
  double true_mean = 0;     // photons in a spot's aperture, before noise
  double bias = 0;          // mean of (reduced - raw) net sums, as a share of true_mean
  double half_width = 0;    // of the bias's 99 % confidence interval, the same share
  double ratio = 0;         // raw bytes / stored bytes
  double offset = 0;        // mean error of a pixel, photons

  double worst() const { return std::abs(bias) + half_width; }  // at 99 % confidence
};

// Every frame is an exposure of the same mean image.
class WeakSpotExperiment {
 public:
  explicit WeakSpotExperiment(const WeakSpots& parameters);

  std::size_t spots_per_frame() const { return places_.size(); }
  double true_mean() const { return true_mean_; }
  // Frames after which the 99 % interval of a dithered bias is `share` of the true mean to either
  // side: the error of a pixel is uniform over 2 bound + 1 integers, with variance
  // ((2 bound + 1)^2 - 1) / 12, and independent of all others.
  std::size_t frames_needed(unsigned bound, double share) const;
  ArrayView mean_image() const;             // f32 (side, side): mean photons
  Array exposure(std::size_t frame) const;  // u16 (side, side)
  // Mean net sum over all places of an image (side, side).
  double mean_net(const ArrayView& image) const;

  // These treatments under abs:bound, in this order. The result does not depend on the threads.
  Result<std::vector<Outcome>> run(unsigned bound, std::size_t frames,
                                   std::span<const Treatment> treatments) const;

 private:
  std::vector<double> nets(const ArrayView& image) const;
  struct Exposed;
  Result<Exposed> expose(unsigned bound, std::size_t frame,
                         std::span<const Treatment> treatments) const;
  struct Place {
    double x, y;
  };
  WeakSpots parameters_;
  std::vector<float> mean_;
  std::vector<Place> places_;
  double true_mean_ = 0;
};

}  // namespace etalon::bench
