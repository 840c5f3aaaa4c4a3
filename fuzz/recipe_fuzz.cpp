// Recipes: any bytes are a recipe or an error.
#include <cstdint>
#include <string_view>

#include "pipeline/recipe.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto recipe = etalon::parse_recipe(text, "fuzz.toml"); recipe.ok())
    (void)etalon::recipe_path(*recipe, recipe->source.path);
  return 0;
}
