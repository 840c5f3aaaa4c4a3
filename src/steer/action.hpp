// What a rule decided that an instrument should do. A value: nothing happens until someone applies
// it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/cbor.hpp"
#include "ledger/ledger.hpp"

namespace etalon {

using ActionParameter = std::variant<double, std::string>;
using ActionParameters = std::map<std::string, ActionParameter>;

struct Action {
  std::string action;           // "continue", "move_sample", ...; "abstain": too little evidence
  ActionParameters parameters;  // units in the names: dx_um, distance_m
  std::string reason;           // for people: the rule and the numbers that made it hold
  std::vector<Hash> evidence;   // ledger ids of the records it rests on

  // What the ledger keeps of it: a map with the keys action, parameters, reason, evidence.
  cbor::Value to_cbor() const;
  // SHA-256 of the deterministic CBOR of to_cbor(): the same decision on the same evidence has the
  // same id.
  Hash id() const;
  bool operator==(const Action&) const = default;
};

// The action when no evidence speaks for or against anything.
inline constexpr std::string_view action_abstain = "abstain";
// The action that changes nothing.
inline constexpr std::string_view action_continue = "continue";

}  // namespace etalon
