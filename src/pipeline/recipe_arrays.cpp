#include "pipeline/recipe_arrays.hpp"

#include <algorithm>
#include <charconv>

namespace etalon::recipe {
namespace {

Result<void> add_region(Recipe& recipe, const toml::table& table) {
  RegionRule rule;
  const toml::node* kind = table.get("kind");
  const toml::node* bound = table.get("bound");
  if (kind == nullptr || bound == nullptr)
    return Error{Errc::usage, "kind and bound must be given"};
  ETALON_ASSIGN(rule.spec.kind, one_of(*kind, {"peaks", "box", "annulus", "mask", "active"}));
  ETALON_ASSIGN(const std::string bound_text, text(*bound));
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
      ETALON_ASSIGN(const std::uint64_t half, count(value, 0, 1000));
      rule.half = half;
      continue;
    }
    std::string written;
    if (may_be_absent(name.str())) {
      ETALON_ASSIGN(const std::uint64_t pixels, count(value, 0, 1000));
      written = std::to_string(pixels);
    } else if (name == "quantile") {
      ETALON_ASSIGN(const double quantile, number(value, 0, 1));
      char shortest[32];
      written.assign(shortest, std::to_chars(shortest, std::end(shortest), quantile).ptr);
    } else {
      ETALON_ASSIGN(written, text(value));
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
  if (recipe.reduce.regions.size() == 15)
    return Error{Errc::usage, "there may be 15 regions at most"};
  recipe.reduce.regions.push_back(std::move(rule));
  return {};
}

// What decisions and fast rules share.
Result<RuleText> read_rule(const toml::table& table, const std::vector<std::string>& metrics) {
  RuleText rule;
  const toml::node* when = table.get("when");
  const toml::node* action = table.get("action");
  if (when == nullptr || action == nullptr)
    return Error{Errc::usage, "when and action must be given"};
  ETALON_ASSIGN(rule.when, text(*when));
  ETALON_ASSIGN(rule.action, text(*action));
  if (const toml::node* node = table.get("parameters")) {
    const toml::table* parameters = node->as_table();
    if (parameters == nullptr) return Error{Errc::usage, "parameters must be a table"};
    for (const auto& [name, value] : *parameters) {
      if (value.is_string()) {
        ETALON_ASSIGN(rule.parameters[std::string(name.str())], text(value));
      } else {
        ETALON_ASSIGN(rule.parameters[std::string(name.str())], number(value, -1e300, 1e300));
      }
    }
  }
  // Whether the rule makes sense is known at once: the names that it may look at are fixed.
  ETALON_TRY(RuleTable::create({rule}, {}, metrics));
  return rule;
}

Result<void> add_decision(Recipe& recipe, const toml::table& table) {
  ETALON_ASSIGN(RuleText rule, read_rule(table, run_metric_names()));
  recipe.decide.rules.push_back(std::move(rule));
  return {};
}

Result<void> add_fast_rule(Recipe& recipe, const toml::table& table) {
  Recipe::FastRule rule;
  ETALON_ASSIGN(rule.text, read_rule(table, frame_metric_names()));
  if (const toml::node* node = table.get("hold_frames")) {
    ETALON_ASSIGN(rule.hold_frames, count(*node, 0, INT64_MAX));
  }
  recipe.fast.rules.push_back(std::move(rule));
  return {};
}

}  // namespace

const std::vector<std::string>& arrays() {
  static const std::vector<std::string> all = {"reduce.region", "fast.rule", "decide.rule"};
  return all;
}

Result<void> add_to_array(Recipe& recipe, std::string_view array, const toml::table& table) {
  if (array == "reduce.region") return add_region(recipe, table);
  return array == "fast.rule" ? add_fast_rule(recipe, table) : add_decision(recipe, table);
}

const std::vector<RecipeKey>& array_keys() {
  static const std::vector<RecipeKey> all = {
      {"reduce.region", "kind", "\"peaks\", \"box\", \"annulus\", \"mask\" or \"active\"", "", "",
       "What the region covers; of regions that overlap, the later one holds."},
      {"reduce.region", "bound", "\"lossless\" or \"abs:E\"", "ADU or photons", "",
       "How far its pixels may be from what was measured."},
      {"reduce.region", "half", "integer", "pixels", "4",
       "peaks: a square of side 2·half+1 round each."},
      {"reduce.region", "y", "text", "pixels", "", "box: `\"100..200\"`, half open."},
      {"reduce.region", "x", "text", "pixels", "", "box: `\"0..50\"`, half open."},
      {"reduce.region", "r", "text", "pixels", "", "annulus: `\"50..80\"`, half open."},
      {"reduce.region", "centre", "text", "pixels", "", "annulus: `\"515.3/532.6\"`, x/y."},
      {"reduce.region", "file", "text", "", "",
       "mask: an array file (y, x); the region is where it is not 0."},
      {"reduce.region", "quantile", "number", "0 to 1", "",
       "active: pixels whose activity (spread round them plus gradient) is at or above this "
       "quantile of their own frame's."},
      {"reduce.region", "window", "odd integer", "pixels", "5",
       "active: side of the square that the spread is taken in, 3 to 63."},
      {"reduce.region", "grow", "integer", "pixels", "0", "active: how far the region is widened."},
      {"fast.rule", "when", "text", "", "",
       "Comparisons joined by `and`: `\"saturated_pixels > 50\"`. Each rule that holds for a frame "
       "acts."},
      {"fast.rule", "action", "text", "", "", "As of `[[decide.rule]]`."},
      {"fast.rule", "parameters", "table", "in the names", "{}", "As of `[[decide.rule]]`."},
      {"fast.rule", "hold_frames", "integer", "frames", "0",
       "Having acted, the rule rests for so many frames."},
      {"decide.rule", "when", "text", "", "",
       "Comparisons joined by `and`: `\"hit_rate < 10% and frames >= 50\"`. The first rule that "
       "holds decides."},
      {"decide.rule", "action", "text", "", "",
       "`continue`, `stop`, `resume`, `move_sample`, `attenuate`, `set_distance`."},
      {"decide.rule", "parameters", "table", "in the names", "{}",
       "What the action needs: `{ dx_um = 20 }`, `{ factor = 0.5 }`, `{ distance_m = 0.15 }`."},
  };
  return all;
}

}  // namespace etalon::recipe
