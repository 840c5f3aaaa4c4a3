#include "pipeline/recipe.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>

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
    if (table == "reduce") names.push_back("region");
    if (table == "decide") names.push_back("rule");
    for (const auto& [name, node] : content) {
      const std::string full = table + "." + std::string(name.str());
      if (full == "reduce.region" || full == "decide.rule") {
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
    const bool region = full == "reduce.region";
    std::vector<std::string> names;
    for (const RecipeKey& key : region ? recipe::region_keys() : recipe::rule_keys())
      names.push_back(key.name);
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (table == nullptr)
        return at(file_, item.source(), full + " must be written as [[" + full + "]]");
      for (const auto& [name, value] : *table)
        if (std::find(names.begin(), names.end(), name.str()) == names.end())
          return at(file_, name.source(),
                    "there is no key " + full + "." + std::string(name.str()) +
                        recipe::suggestion(name.str(), names));
      auto parsed = region ? parse_region_table(*table) : parse_rule(*table);
      if (!parsed.ok()) return at(file_, item.source(), full + ": " + parsed.error().message);
    }
    return {};
  }

  Result<void> parse_region_table(const toml::table& table) {
    RegionRule rule;
    const toml::node* kind = table.get("kind");
    const toml::node* bound = table.get("bound");
    if (kind == nullptr || bound == nullptr)
      return Error{Errc::usage, "kind and bound must be given"};
    ETALON_ASSIGN(rule.spec.kind,
                  recipe::one_of(*kind, {"peaks", "box", "annulus", "mask", "active"}));
    ETALON_ASSIGN(const std::string bound_text, recipe::text(*bound));
    ETALON_ASSIGN(rule.spec.bound, parse_bound(bound_text));
    const std::vector<std::string> wanted =
        rule.spec.kind == "peaks"     ? std::vector<std::string>{"half"}
        : rule.spec.kind == "box"     ? std::vector<std::string>{"y", "x"}
        : rule.spec.kind == "annulus" ? std::vector<std::string>{"r", "centre"}
        : rule.spec.kind == "active"  ? std::vector<std::string>{"quantile", "window", "grow"}
                                      : std::vector<std::string>{"file"};
    const auto may_be_absent = [](std::string_view name) {
      return name == "window" || name == "grow";
    };
    for (const auto& [name, value] : table) {
      if (name == "kind" || name == "bound") continue;
      if (std::find(wanted.begin(), wanted.end(), name.str()) == wanted.end())
        return Error{Errc::usage,
                     std::string(name.str()) + " does not belong to kind " + rule.spec.kind};
      if (name == "half") {
        ETALON_ASSIGN(const std::uint64_t half, recipe::count(value, 0, 1000));
        rule.half = half;
        continue;
      }
      std::string written;
      if (may_be_absent(name.str())) {
        ETALON_ASSIGN(const std::uint64_t pixels, recipe::count(value, 0, 1000));
        written = std::to_string(pixels);
      } else if (name == "quantile") {
        ETALON_ASSIGN(const double quantile, recipe::number(value, 0, 1));
        char shortest[32];
        written.assign(shortest, std::to_chars(shortest, std::end(shortest), quantile).ptr);
      } else {
        ETALON_ASSIGN(written, recipe::text(value));
      }
      rule.spec.parameters.emplace_back(std::string(name.str()), std::move(written));
    }
    if (rule.spec.kind != "peaks") {
      for (const std::string& name : wanted)
        if (rule.spec.get(name).empty() && !may_be_absent(name))
          return Error{Errc::usage, name + " must be given for kind " + rule.spec.kind};
      if (rule.spec.kind != "mask") {  // the command line's grammar knows what is well formed
        std::string text = rule.spec.kind + ":";
        for (const auto& [name, value] : rule.spec.parameters)
          text += (text.back() == ':' ? "" : ",") + name + "=" + value;
        ETALON_TRY(parse_region(text + "@" + bound_text));
      }
    }
    if (recipe_.reduce.regions.size() == 15)
      return Error{Errc::usage, "there may be 15 regions at most"};
    recipe_.reduce.regions.push_back(std::move(rule));
    return {};
  }

  Result<void> parse_rule(const toml::table& table) {
    RuleText rule;
    const toml::node* when = table.get("when");
    const toml::node* action = table.get("action");
    if (when == nullptr || action == nullptr)
      return Error{Errc::usage, "when and action must be given"};
    ETALON_ASSIGN(rule.when, recipe::text(*when));
    ETALON_ASSIGN(rule.action, recipe::text(*action));
    if (const toml::node* node = table.get("parameters")) {
      const toml::table* parameters = node->as_table();
      if (parameters == nullptr) return Error{Errc::usage, "parameters must be a table"};
      for (const auto& [name, value] : *parameters) {
        if (value.is_string()) {
          ETALON_ASSIGN(rule.parameters[std::string(name.str())], recipe::text(value));
        } else {
          ETALON_ASSIGN(rule.parameters[std::string(name.str())],
                        recipe::number(value, -1e300, 1e300));
        }
      }
    }
    // Whether the rule makes sense is known at once: the names that it may look at are fixed.
    ETALON_TRY(RuleTable::create({rule}, {}, run_metric_names()));
    recipe_.decide.rules.push_back(std::move(rule));
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
  ETALON_ASSIGN(const Bytes bytes, read_file(path));
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
  for (const RecipeKey& key : recipe::region_keys()) all.push_back(key);
  for (const RecipeKey& key : recipe::rule_keys()) all.push_back(key);
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
