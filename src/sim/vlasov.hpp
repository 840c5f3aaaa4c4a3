// Electrons in phase space: the Vlasov equation with the field that the electrons themselves make,
//
//   df/dt + v . grad_x f - E . grad_v f = 0,   div E = 1 - integral of f over v,
//
// in Debye lengths, thermal speeds and inverse plasma frequencies, over resting ions. Arrays of
// rank 2 to 6: 1D1V, 1D2V, 2D2V, 2D3V, 3D3V; positions first, the velocity v1 along x1 and so on.
//
// Method: splitting of second order (Cheng and Knorr, J. Comput. Phys. 22, 330, 1976), each part a
// shift along one axis (advection.hpp). Number of electrons: kept but for rounding. Where f is thin
// it oscillates about 0 by as much as the grid fails to resolve, so small negative values occur.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "etalon/array.hpp"

namespace etalon {

inline constexpr std::string_view vlasov_semantics =
    "vlasov/1";  // changes when bytes may change for the same parameters

struct VlasovParameters {
  enum class Start {
    landau,      // one Maxwellian: the waves are damped
    two_stream,  // two beams, v1^2 exp(-v^2 / 2): the waves grow
  };
  Shape shape{16, 16, 24, 24, 24};
  std::uint64_t seed = 1;  // of the phases of the waves
  Start start = Start::landau;
  double wavenumber = 0.5;  // of the longest wave, per Debye length: the box is 2 pi / wavenumber
  double amplitude = 0.05;  // of the density's waves together
  double fastest = 6;       // velocities from -fastest to fastest
  double time_step = 0.1;
};

class VlasovSimulation {
 public:
  // At time 0. Errc::usage names the parameter that makes no sense.
  static Result<VlasovSimulation> create(const VlasovParameters& parameters, unsigned threads);
  VlasovSimulation(VlasovSimulation&&) noexcept;
  VlasovSimulation& operator=(VlasovSimulation&&) noexcept;
  ~VlasovSimulation();

  void step();  // on by time_step

  // f at the points; its integral over v averages to 1. f32 is rounded f64.
  Array distribution(DType dtype) const;
  double electrons() const;     // integral of f over the box
  double field_energy() const;  // integral of E^2 / 2 over the box

 private:
  struct Impl;
  explicit VlasovSimulation(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
