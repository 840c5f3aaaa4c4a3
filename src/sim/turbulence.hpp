// A turbulent boundary layer as a model, not a solution: laminar flow between two walls, and on it
// random eddies whose spectrum and whose reach into the flow are those measured in such layers.
#pragma once

#include <cstdint>
#include <string_view>

#include "etalon/array.hpp"

namespace etalon {

inline constexpr std::string_view turbulence_semantics =
    "turbulence/1";  // changes when bytes may change for the same parameters

struct TurbulenceParameters {
  Shape shape{256, 256, 256};  // (z, y, x), cubic cells; the walls lie before and behind z
  std::uint64_t seed = 1;
  double layer = 0.12;     // thickness of the layer at each wall over the distance of the walls
  double intensity = 0.1;  // standard deviation of the eddies over the speed at the centre
};

// Streamwise velocity over that of the laminar flow at the centre; f32 or f64, the f32 being the
// rounded f64. Errc::usage names the parameter that makes no sense. Periodic along y and x.
//
//   u = 4 z (1 - z) + intensity * (e(z) a(z, y, x) + e(1 - z) b(z, y, x)),  z from 0 to 1
//   e(d) = (1 - exp(-20 d / layer)) / (1 + 5.5 (d / layer)^6)
//
// Plane Poiseuille flow; Klebanoff's intermittency in its algebraic form (NACA report 1247, 1955);
// damping at the wall in van Driest's form (J. Aeronaut. Sci. 23, 1007, 1956). a and b are
// independent Gaussian fields of variance 1 and of von Karman's spectrum (PNAS 34, 530, 1948):
// amplitudes (k^2 + k0^2)^(-11/12) in three dimensions, k^(-11/6) well above k0, hence Kolmogorov's
// E ~ k^(-5/3); 1/k0 = layer.
Result<Array> turbulence(const TurbulenceParameters& parameters, DType dtype, unsigned threads);

}  // namespace etalon
