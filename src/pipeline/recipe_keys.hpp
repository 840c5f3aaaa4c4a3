// The keys of a recipe, each with what it means and how it is read.
#pragma once

#include <functional>
#include <vector>

#include "pipeline/recipe.hpp"
#include "pipeline/recipe_value.hpp"

namespace etalon::recipe {

struct Key {
  RecipeKey about;
  std::function<Result<void>(Recipe&, const toml::node&)> read;
};

// In the order of the documentation.
const std::vector<Key>& keys();

// Those of [find], among them.
std::vector<Key> find_keys();

}  // namespace etalon::recipe
