// What a recipe may hold many of: [[reduce.region]], [[fast.rule]], [[decide.rule]].
#pragma once

#include <string>
#include <vector>

#include "pipeline/recipe.hpp"
#include "pipeline/recipe_value.hpp"

namespace etalon::recipe {

// "reduce.region", ...
const std::vector<std::string>& arrays();
// The keys of all of them, in the order of the documentation.
const std::vector<RecipeKey>& array_keys();

// One more of an array, whose keys are known to be right. The error says what is wrong without
// saying where.
Result<void> add_to_array(Recipe& recipe, std::string_view array, const toml::table& table);

}  // namespace etalon::recipe
