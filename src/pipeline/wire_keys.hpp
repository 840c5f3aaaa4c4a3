// The keys that a recipe gives one end of the wire.
#pragma once

#include <optional>
#include <string>

#include "pipeline/recipe.hpp"
#include "stream/curve_keys.hpp"

namespace etalon {

// None: in the clear. Errc::usage where `address` leads beyond this machine and the recipe has
// neither keys nor ship.insecure.
Result<std::optional<CurveKeys>> wire_keys(const Recipe& recipe, const std::string& address,
                                           const std::string& own, const std::string& peer);

}  // namespace etalon
