#include "control/simulated_instrument.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "base/exact_math.hpp"

namespace etalon {
namespace {

std::string shown(double value) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                          std::chars_format::general, 6);
  return {digits.data(), end};
}

// Every parameter must be one of `allowed`, and a number.
Result<void> check_parameters(const Action& action, const std::set<std::string>& allowed) {
  for (const auto& [name, value] : action.parameters) {
    if (!allowed.contains(name)) {
      std::string list;
      for (const std::string& one : allowed) list += (list.empty() ? "" : ", ") + one;
      return Error{Errc::usage, "parameter '" + name + "' does not exist; there are: " +
                                    (list.empty() ? "none" : list)};
    }
    const double* number = std::get_if<double>(&value);
    if (!number || !std::isfinite(*number))
      return Error{Errc::usage, "parameter '" + name + "' is not a finite number"};
  }
  return {};
}

double number_of(const Action& action, const std::string& name, double otherwise) {
  const auto found = action.parameters.find(name);
  return found == action.parameters.end() ? otherwise : std::get<double>(found->second);
}

Result<void> within(std::string_view what, double value, double low, double high,
                    std::string_view unit) {
  if (value >= low && value <= high) return {};
  return Error{Errc::check, std::string(what) + " would be " + shown(value) + std::string(unit) +
                                ", outside " + shown(low) + ".." + shown(high) + std::string(unit)};
}

Result<InstrumentState> moved(const Action& action, InstrumentState s, const InstrumentLimits& l) {
  ETALON_TRY(check_parameters(action, {"dx_um", "dy_um", "dz_um"}));
  if (action.parameters.empty()) return Error{Errc::usage, "none of dx_um, dy_um, dz_um is given"};
  s.x_um += number_of(action, "dx_um", 0);
  s.y_um += number_of(action, "dy_um", 0);
  s.z_um += number_of(action, "dz_um", 0);
  ETALON_TRY(within("x", s.x_um, -l.x_um, l.x_um, " um"));
  ETALON_TRY(within("y", s.y_um, -l.y_um, l.y_um, " um"));
  ETALON_TRY(within("z", s.z_um, -l.z_um, l.z_um, " um"));
  return s;
}

Result<InstrumentState> attenuated(const Action& action, InstrumentState s,
                                   const InstrumentLimits& l) {
  ETALON_TRY(check_parameters(action, {"factor"}));
  if (action.parameters.empty()) return Error{Errc::usage, "factor is not given"};
  s.transmission *= number_of(action, "factor", 1);
  ETALON_TRY(within("transmission", s.transmission, l.min_transmission, 1, ""));
  return s;
}

Result<InstrumentState> distanced(const Action& action, InstrumentState s,
                                  const InstrumentLimits& l) {
  ETALON_TRY(check_parameters(action, {"distance_m"}));
  if (action.parameters.empty()) return Error{Errc::usage, "distance_m is not given"};
  s.distance_m = number_of(action, "distance_m", s.distance_m);
  ETALON_TRY(within("distance", s.distance_m, l.min_distance_m, l.max_distance_m, " m"));
  return s;
}

Result<InstrumentState> after(const Action& action, InstrumentState s, const InstrumentLimits& l) {
  if (action.action == "move_sample") return moved(action, s, l);
  if (action.action == "attenuate") return attenuated(action, s, l);
  if (action.action == "set_distance") return distanced(action, s, l);
  const bool shutter = action.action == "stop" || action.action == "resume";
  if (!shutter && action.action != action_continue && action.action != action_abstain)
    return Error{Errc::usage,
                 "does not exist; there are: abstain, attenuate, continue, move_sample, resume, "
                 "set_distance, stop"};
  ETALON_TRY(check_parameters(action, {}));
  if (shutter) s.shutter_open = action.action == "resume";
  return s;
}

}  // namespace

InstrumentState SimulatedInstrument::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Result<void> SimulatedInstrument::check(const Action& action) const {
  auto next = after(action, state(), limits_);
  if (next.ok() || next.error().code != Errc::usage) return {};
  return std::move(next).error().in("simulated instrument: action '" + action.action + "'");
}

Result<InstrumentState> SimulatedInstrument::apply(const Action& action) {
  const Hash id = action.id();
  const std::lock_guard lock(mutex_);
  if (applied_.contains(id)) return state_;
  auto next = after(action, state_, limits_);
  if (!next.ok())
    return std::move(next).error().in("simulated instrument: action '" + action.action + "'");
  if (*next != state_) ++next->actions;
  state_ = *next;
  applied_.insert(id);
  return state_;
}

StillsParameters as_measured(const StillsParameters& aligned, const InstrumentState& state,
                             double jet_sigma_um) {
  StillsParameters now = aligned;
  const double offset2 =
      (state.x_um * state.x_um + state.y_um * state.y_um) / (jet_sigma_um * jet_sigma_um);
  now.hit_fraction *= exact::exp(-offset2 / 2);
  now.flux *= state.shutter_open ? state.transmission : 0;
  now.distance_m = state.distance_m;
  return now;
}

}  // namespace etalon
