// Intensities of all reflections that a still of known orientation shows, strong or not.
#pragma once

#include <vector>

#include "analyse/indexing.hpp"
#include "analyse/spot_sum.hpp"

namespace etalon {

struct IntegrationSettings {
  double widths = 2;           // of the excitation errors' standard deviation, to either side
  double d_min_angstrom = 0;   // finest resolution; 0: that of the detector's corners
  double gain = 1;             // units of the image a photon
  double polarization = 0.99;  // share that is polarized along x
  Aperture aperture{2, 3, 4};
};

// One measurement of a reflection.
struct Observation {
  Miller unique{};      // the representative of its equivalents, Friedel mates included
  float intensity = 0;  // units of the image, of the whole reflection up to the crystal's scale
  float sigma = 0;
  float q = 0;  // |q| = 1/d, 1/angstrom
};

// The standard deviation of the excitation error at a distance q from the origin:
// s^2 = constant + slope q^2, from a crystal's indexed spots.
struct RockingWidth {
  double constant = 0, slope = 0;  // 1/angstrom^2; 1
  double at(double q) const;
};
RockingWidth rocking_width(const CrystalLattice& lattice, const Matrix3& basis);

struct PredictedReflection {
  Miller index{};
  Place place;
  double q = 0, excitation = 0;  // 1/angstrom
};

// As stills were first merged (Kirian et al., Opt. Express 18 (2010) 5713; White et al., J. Appl.
// Cryst. 45 (2012) 335): a reflection counts when its excitation error is within `widths` standard
// deviations of the crystal's own; the mean over many crystals takes the place of its integral
// over the rocking curve, times the width that it was taken over (the Lorentz factor of stills).
// Thread-safe.
class StillIntegrator {
 public:
  // Errc::usage for settings that make no sense, and where there would be more than 2^25 lattice
  // points.
  static Result<StillIntegrator> create(const Indexer& indexer, const Mask& mask,
                                        const IntegrationSettings& settings);

  std::vector<PredictedReflection> predict(const CrystalLattice& lattice) const;
  // `image` is (y, x), of any element type; spots with bad pixels are left out.
  std::vector<Observation> integrate(const ArrayView& image, const CrystalLattice& lattice) const;

 private:
  StillIntegrator(const Indexer& indexer, const Mask& mask, const IntegrationSettings& settings,
                  double q_max)
      : indexer_(indexer), mask_(mask), settings_(settings), q_max_(q_max) {}
  double polarization_at(const Place& place) const;

  Indexer indexer_;
  Mask mask_;
  IntegrationSettings settings_;
  double q_max_;
};

}  // namespace etalon
