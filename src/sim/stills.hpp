// Serial crystallography as a detector sees it: stills of randomly oriented crystals that the beam
// hits now and then, over water and air, counted in photons. README.md and docs/simulator.md define
// the model. Every byte follows from the parameters: no clock, thread or libm enters.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "etalon/result.hpp"
#include "frame/series.hpp"
#include "sim/background.hpp"
#include "sim/crystal.hpp"
#include "sim/detector.hpp"
#include "sim/diffraction.hpp"

namespace etalon {

inline constexpr std::string_view stills_semantics =
    "stills/1";  // changes when bytes may change for the same parameters

struct StillsParameters {
  std::uint64_t frames = 200;
  std::uint64_t seed = 1;
  std::size_t ny = 1065, nx = 1030;
  double wavelength_angstrom = 1.0, distance_m = 0.1, pixel_size_m = 75e-6;
  double frame_time_s = 0.01, count_time_s = 0.0099;

  double hit_fraction = 0.25;    // of frames with a crystal in the beam
  double jet_fraction = 0.8;     // of the others: with the jet, hence water, in the beam
  double flux = 1;               // relative to what the photon numbers below hold for
  double flux_jitter = 0.12;     // standard deviation of log flux from shot to shot
  double jet_jitter = 0.2;       // of log jet thickness
  double crystal_jitter = 0.5;   // of log crystal volume
  double weakest_photons = 0.1;  // spots expected below are neither drawn nor listed

  UnitCell cell;
  double structure_factor_intensity = 900;  // mean |F|^2 at zero angle, photons
  double b_factor = 25;                     // square angstrom
  RockingParameters rocking;
  SpotParameters spot;
  BackgroundParameters background;
  DetectorParameters detector;
};

// What a frame shows and no detector tells.
struct StillTruth {
  bool is_hit = false, has_jet = false;
  Matrix3 a_matrix{};        // 1/angstrom: q = A (h, k, l) in the laboratory frame; 0 when no hit
  double crystal_scale = 0;  // of the spots' photons; 0 when no hit
  double background_scale = 0;  // flux of this shot
  double jet_scale = 0;         // jet thickness, 0 without
  std::vector<PredictedSpot> spots;
};

struct Still {
  Frame frame;  // u16
  StillTruth truth;
};

// Thread-safe after creation; frames are independent of one another.
class StillsSimulator {
 public:
  // Errc::usage names the parameter that makes no sense.
  static Result<StillsSimulator> create(const StillsParameters& parameters);
  ~StillsSimulator();
  StillsSimulator(StillsSimulator&&) noexcept;
  StillsSimulator& operator=(StillsSimulator&&) noexcept;

  const StillsParameters& parameters() const;
  const SeriesInfo& info() const;
  const std::vector<Reflection>& reflections() const;  // all, symmetry mates too
  StillTruth truth(std::uint64_t number) const;
  // Mean photons of every pixel before noise, hot pixels and gaps, (y, x).
  std::vector<float> mean_image(const StillTruth& truth) const;
  Still still(std::uint64_t number) const;

  // Frames 0, 1, ... to `sink` in order, made by `threads` threads (0: one per hardware thread).
  // Ends with sink's error, or Errc::interrupted when `*stop` becomes true.
  Result<void> run(unsigned threads, const std::function<Result<void>(Still)>& sink,
                   const std::atomic<bool>* stop = nullptr) const;

 private:
  struct Impl;
  explicit StillsSimulator(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace etalon
