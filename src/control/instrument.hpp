// An instrument takes an Action and says in what state it is then.
#pragma once

#include <cstdint>
#include <string>

#include "etalon/result.hpp"
#include "steer/action.hpp"

namespace etalon {

struct InstrumentState {
  double x_um = 0, y_um = 0, z_um = 0;  // sample position
  double transmission = 1;              // of the attenuator, in (0, 1]
  double distance_m = 0.1;              // sample to detector
  bool shutter_open = true;
  std::uint64_t actions = 0;  // that have changed something

  bool operator==(const InstrumentState&) const = default;
};

class Instrument {
 public:
  virtual ~Instrument() = default;
  virtual InstrumentState state() const = 0;
  // Whether the instrument knows the action and its parameters: Errc::usage if not. Limits are left
  // to apply(), for they depend on the state of that time.
  virtual Result<void> check(const Action& action) const = 0;
  // Applies the action once: the same action (by id) again changes nothing and returns the state as
  // it is. Errc::usage for an action or parameter that the instrument does not know, Errc::check
  // when it would leave its limits; then nothing has changed.
  virtual Result<InstrumentState> apply(const Action& action) = 0;
};

}  // namespace etalon
