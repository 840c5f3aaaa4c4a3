// The embedded default: a beamline in memory, whose measurements the stills simulator makes.
#pragma once

#include <mutex>
#include <set>

#include "control/instrument.hpp"
#include "sim/stills.hpp"

namespace etalon {

struct InstrumentLimits {
  double x_um = 500, y_um = 500, z_um = 500;  // position along each axis: -limit .. limit
  double min_transmission = 1e-4;
  double min_distance_m = 0.05, max_distance_m = 2.0;
};

// Actions, with their parameters:
//   continue, abstain                         nothing changes
//   move_sample   dx_um dy_um dz_um           relative, at least one of them
//   attenuate     factor                      transmission is multiplied; the result is at most 1
//   set_distance  distance_m
//   stop, resume                              closes, opens the shutter
// Thread-safe.
class SimulatedInstrument : public Instrument {
 public:
  explicit SimulatedInstrument(const InstrumentState& start = {},
                               const InstrumentLimits& limits = {})
      : limits_(limits), state_(start) {}

  InstrumentState state() const override;
  Result<void> check(const Action& action) const override;
  Result<InstrumentState> apply(const Action& action) override;

 private:
  InstrumentLimits limits_;
  mutable std::mutex mutex_;
  InstrumentState state_;
  std::set<Hash> applied_;
};

// What an experiment set up for `aligned` measures with the instrument in this state: flux follows
// the transmission, the hit fraction falls as a Gaussian of the jet's offset (jet_sigma_um) from
// x = y = 0, the detector stands where it was put, and a closed shutter leaves nothing but the
// dark.
StillsParameters as_measured(const StillsParameters& aligned, const InstrumentState& state,
                             double jet_sigma_um = 10);

}  // namespace etalon
