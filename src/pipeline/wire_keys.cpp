#include "pipeline/wire_keys.hpp"

namespace etalon {

Result<std::optional<CurveKeys>> wire_keys(const Recipe& recipe, const std::string& address,
                                           const std::string& own, const std::string& peer) {
  if (!recipe.ship.keys.empty()) {
    ETALON_ASSIGN(const std::string folder, recipe_path(recipe, recipe.ship.keys));
    ETALON_ASSIGN(CurveKeys keys, load_keys(folder, own, peer));
    return std::optional(std::move(keys));
  }
  if (recipe.ship.insecure || is_local_address(address)) return std::optional<CurveKeys>();
  return Error{Errc::usage,
               recipe.path + ": " + address +
                   " leads beyond this machine, and there are no keys: make them with `etalon keys "
                   "FOLDER` and name them in ship.keys, or set ship.insecure = true"};
}

}  // namespace etalon
