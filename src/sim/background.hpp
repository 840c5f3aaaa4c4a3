// What scatters besides the crystal: water of the jet and air along the beam.
#pragma once

#include <vector>

#include "frame/geometry.hpp"

namespace etalon {

// Mean photons a pixel at unit flux.
struct BackgroundParameters {
  double water = 1.0;          // at the top of the ring at 3.2 angstrom; a second one at 2.1
  double air = 2.0;            // at the beam, falling with q
  double air_q = 0.12;         // 1/angstrom: where the air has fallen to 1/e
  double dark = 0.02;          // everywhere, in every frame
  double beam_stop_px = 14;    // radius of the shadow
  double polarization = 0.99;  // fraction of horizontal (along x) polarization
};

// Share of the radiation scattered towards a pixel that polarization leaves: 1 at the beam.
// `dx`, `dy` from the beam centre and `distance`, all in the same units.
double polarization_factor(double dx, double dy, double distance, double fraction);

struct Background {
  std::vector<float> water, air;  // (y, x): mean photons at unit flux
};

// Profiles in q = 1/d times polarization, solid angle (cos^3 of the scattering angle) and the beam
// stop's shadow.
Background make_background(const Geometry& geometry, const BackgroundParameters& p);

}  // namespace etalon
