// Where a still crystal diffracts, and how strongly.
#pragma once

#include <cstdint>
#include <vector>

#include "frame/geometry.hpp"
#include "sim/crystal.hpp"

namespace etalon {

// Standard deviations of what lets a reflection off the exact Bragg condition diffract.
struct RockingParameters {
  double mosaic_rad = 6e-4;
  double divergence_rad = 3e-4;
  double bandwidth = 1e-3;        // of the wavelength, relative
  double domain_angstrom = 2500;  // size of a coherent block
};

struct SpotParameters {
  double sigma_px = 0.75;  // of the round part: beam, point spread
  bool elongated = true;   // radially, by the bandwidth
};

struct PredictedSpot {
  Miller index{};
  double x = 0, y = 0;    // pixels, pixel centres at integers
  double partiality = 0;  // exp(-e^2 / (2 s^2)), 1 at the exact Bragg condition
  double photons = 0;     // expected on an unbounded, perfect detector
  double excitation = 0;  // e: |k_in + q| - |k_in|, 1/angstrom
  double sigma_radial_px = 0, sigma_tangential_px = 0;
};

// Laboratory frame: z along the beam, x along the detector's fast and y along its slow axis,
// |k_in| = 1 / wavelength, q = A (h, k, l). Standard deviation s of the excitation error:
//   s^2 = (|k| sin 2theta)^2 (mosaic^2 + divergence^2) + (2 |k| sin^2 theta bandwidth)^2
//         + (0.4 / domain)^2
// photons = scale |F|^2 partiality * P * s_ref / s, with the polarization factor P and s_ref the s
// of a reflection at 3 angstrom: the Lorentz factor of a still. Spots weaker than `weakest` photons
// or centred off the image are left out; order is that of `reflections`.
std::vector<PredictedSpot> predict_spots(const std::vector<Reflection>& reflections,
                                         const Matrix3& a_matrix, const Geometry& geometry,
                                         const RockingParameters& rocking,
                                         const SpotParameters& shape, double polarization,
                                         double scale, double weakest);

// Adds the spot's mean photons to a (y, x) image: a Gaussian integrated over each pixel by 3 x 3
// points, normalized on its footprint of 4 sigma, cut off at the image's edge.
void add_spot(const PredictedSpot& spot, const Geometry& geometry, std::vector<float>& image);

}  // namespace etalon
