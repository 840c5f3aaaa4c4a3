#include "pipeline/recipe.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "pipeline/recipe_arrays.hpp"
#include "pipeline/recipe_keys.hpp"
#include "store/file.hpp"

namespace etalon {
namespace {

using recipe::at;
namespace fs = std::filesystem;

class Parser {
 public:
  Parser(Recipe& recipe, const std::string& file) : recipe_(recipe), file_(file) {}

  Result<void> parse(const toml::table& root) {
    std::vector<std::string> tables;
    for (const recipe::Key& key : recipe::keys())
      if (std::find(tables.begin(), tables.end(), key.about.table) == tables.end())
        tables.push_back(key.about.table);
    for (const auto& [name, node] : root) {
      if (std::find(tables.begin(), tables.end(), name.str()) == tables.end())
        return at(file_, name.source(),
                  "there is no table [" + std::string(name.str()) + "]" +
                      recipe::suggestion(name.str(), tables));
      if (!node.is_table())
        return at(file_, node.source(),
                  std::string(name.str()) + " must be a table: [" + std::string(name.str()) + "]");
      ETALON_TRY(parse_table(std::string(name.str()), *node.as_table()));
    }
    return check(root);
  }

 private:
  Result<void> parse_table(const std::string& table, const toml::table& content) {
    std::vector<std::string> names;
    for (const recipe::Key& key : recipe::keys())
      if (key.about.table == table) names.push_back(key.about.name);
    for (const std::string& array : recipe::arrays())
      if (array.starts_with(table + ".")) names.push_back(array.substr(table.size() + 1));
    for (const auto& [name, node] : content) {
      const std::string full = table + "." + std::string(name.str());
      if (std::ranges::find(recipe::arrays(), full) != recipe::arrays().end()) {
        ETALON_TRY(parse_array(full, node));
        continue;
      }
      const auto key = std::find_if(
          recipe::keys().begin(), recipe::keys().end(),
          [&](const recipe::Key& k) { return k.about.table + "." + k.about.name == full; });
      if (key == recipe::keys().end())
        return at(file_, name.source(),
                  "there is no key " + full + recipe::suggestion(name.str(), names));
      if (auto read = key->read(recipe_, node); !read.ok())
        return at(file_, node.source(), full + ": " + read.error().message);
    }
    return {};
  }

  Result<void> parse_array(const std::string& full, const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr)
      return at(file_, node.source(), full + " must be written as [[" + full + "]]");
    std::vector<std::string> names;
    for (const RecipeKey& key : recipe::array_keys())
      if (key.table == full) names.push_back(key.name);
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (table == nullptr)
        return at(file_, item.source(), full + " must be written as [[" + full + "]]");
      for (const auto& [name, value] : *table)
        if (std::find(names.begin(), names.end(), name.str()) == names.end())
          return at(file_, name.source(),
                    "there is no key " + full + "." + std::string(name.str()) +
                        recipe::suggestion(name.str(), names));
      auto parsed = recipe::add_to_array(recipe_, full, *table);
      if (!parsed.ok()) return at(file_, item.source(), full + ": " + parsed.error().message);
    }
    return {};
  }

  // What no single key can tell.
  Result<void> check(const toml::table& root) const {
    auto where = [&](const char* table, const char* key) {
      const toml::node* node = root[table][key].node();
      return node != nullptr ? node->source() : root.source();
    };
    const Recipe::Find& find = recipe_.find;
    const bool peakfinder8 = find.method == FindMethod::peakfinder8;
    const PeakParameters& p = find.parameters;
    const DispersionParameters& d = find.dispersion;
    const std::uint32_t max_pixels = peakfinder8 ? p.max_pixels : d.max_pixels;
    if ((peakfinder8 ? p.min_pixels : d.min_pixels) > max_pixels)
      return at(file_, where("find", "min_pixels"),
                "find.min_pixels: must not be above find.max_pixels (" +
                    std::to_string(max_pixels) + ")");
    if (p.min_radius >= p.max_radius)
      return at(file_, where("find", "min_radius"),
                "find.min_radius: must be below find.max_radius");
    if (find.max_elongation != 0 && find.max_elongation < 1)
      return at(file_, where("find", "max_elongation"),
                "find.max_elongation: must be 0, or 1 or more");
    if (recipe_.veto.max_peaks != 0 && recipe_.veto.max_peaks < recipe_.veto.min_peaks)
      return at(file_, where("veto", "max_peaks"),
                "veto.max_peaks: must not be below veto.min_peaks");
    if (recipe_.analyse.kind == "none" && !recipe_.decide.rules.empty())
      return at(file_, where("analyse", "kind"),
                "analyse.kind: the rules of [decide] need an analysis, not \"none\"");
    return {};
  }

  Recipe& recipe_;
  const std::string& file_;
};

}  // namespace

Result<Recipe> parse_recipe(std::string_view text, const std::string& path) {
  Recipe recipe;
  recipe.path = path;
  recipe.hash = sha256(bytes_of(text));
  try {
    const toml::table root = toml::parse(text, path);
    ETALON_TRY(Parser(recipe, path).parse(root));
  } catch (const toml::parse_error& e) {
    Error error = at(path, e.source(), std::string(e.description()));
    error.code = Errc::malformed;
    return error;
  } catch (const std::exception& e) {
    return Error{Errc::malformed, path + ": " + e.what()};
  }
  return recipe;
}

Result<Recipe> load_recipe(const std::string& path) {
  ETALON_ASSIGN(const Bytes bytes, read_file(path, most_by_hand));
  return parse_recipe(text_of(bytes), path);
}

Result<std::string> output_path(const Recipe& recipe, std::string_view written) {
  std::string path;
  for (std::size_t i = 0; i < written.size();) {
    const std::size_t end = written.find('}', i);
    if (written.substr(i, 2) != "${" || end == std::string_view::npos) {
      path += written[i++];
      continue;
    }
    const std::string name(written.substr(i + 2, end - i - 2));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr)
      return Error{Errc::usage, recipe.path + ": " + std::string(written) +
                                    ": the environment variable " + name + " is not set"};
    path += value;
    i = end + 1;
  }
  return path;
}

Result<std::string> recipe_path(const Recipe& recipe, std::string_view written) {
  ETALON_ASSIGN(std::string path, output_path(recipe, written));
  if (path.empty() || path == "-" || fs::path(path).is_absolute()) return path;
  return (fs::path(recipe.path).parent_path() / path).string();
}

bool is_stream(std::string_view source) {
  return source.starts_with("tcp://") || source.starts_with("ipc://");
}

Result<std::string> source_path(const Recipe& recipe) {
  if (is_stream(recipe.source.path)) return output_path(recipe, recipe.source.path);
  return recipe_path(recipe, recipe.source.path);
}

std::vector<RecipeKey> recipe_keys() {
  std::vector<RecipeKey> all;
  for (const recipe::Key& key : recipe::keys()) all.push_back(key.about);
  for (const RecipeKey& key : recipe::array_keys()) all.push_back(key);
  return all;
}

std::string recipe_keys_markdown() {
  std::string out, table;
  for (const RecipeKey& key : recipe_keys()) {
    if (key.table != table) {
      table = key.table;
      const bool many = table.find('.') != std::string::npos;
      out += "\n### " + std::string(many ? "[[" : "[") + table + (many ? "]]" : "]") +
             "\n\n| key | value | unit | default | what it does |\n|---|---|---|---|---|\n";
    }
    out += "| `" + key.name + "` | " + key.type + " | " + key.unit + " | " +
           (key.preset.empty() ? "–" : "`" + key.preset + "`") + " | " + key.text + " |\n";
  }
  return out;
}

}  // namespace etalon
