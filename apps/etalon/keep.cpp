#include "keep.hpp"

#include <cmath>
#include <cstdio>
#include <set>

namespace etalon::cli {

namespace {

// What a metric needs and nobody has given; empty: nothing.
std::string wanting(const std::string& metric, const Judged& given) {
  static const std::set<std::string> of_crystals = [] {
    Metrics metrics;
    CrystalScience{}.add_metrics(metrics);
    std::set<std::string> names;
    for (const auto& [name, value] : metrics) names.insert(name);
    return names;
  }();
  if (metric == "weak_bias" && !given.places) return "the places of weak spots (--predicted)";
  if (!of_crystals.contains(metric)) return "";
  if (!given.crystals) return "a crystal (--cell and --point-group)";
  if (metric.starts_with("structure_factor") && !given.structure_factors)
    return "structure factors that are known (--truth)";
  return "";
}

}  // namespace

Result<Condition> parse_keep(const std::string& text, const Judged& given) {
  const auto refuse = [&](const std::string& reason) {
    return Error{Errc::usage, "--keep '" + text + "': " + reason};
  };
  auto condition = parse_condition(text);
  if (!condition.ok()) return refuse(condition.error().message);
  const Metrics known = ScienceReport{}.metrics();
  for (const Comparison& comparison : condition->comparisons) {
    if (known.contains(comparison.metric)) {
      const std::string need = wanting(comparison.metric, given);
      if (need.empty()) continue;
      return refuse(comparison.metric + " needs " + need);
    }
    std::string names;
    for (const auto& [name, number] : known) names += (names.empty() ? "" : ", ") + name;
    return refuse("metric '" + comparison.metric + "' does not exist; there are: " + names);
  }
  return condition;
}

std::string Broken::text() const {
  const std::string asked = to_string(Condition{{comparison}});
  if (std::isnan(found)) return asked + ": cannot be judged";
  char number[32];
  std::snprintf(number, sizeof number, "%.6g", found);
  return asked + ": is " + number;
}

std::vector<Broken> broken(const Condition& keep, const Metrics& metrics) {
  std::vector<Broken> all;
  for (const Comparison& comparison : keep.comparisons) {
    const auto held = holds(Condition{{comparison}}, metrics);
    if (!held.ok() || !*held) all.push_back({comparison, metrics.find(comparison.metric)->second});
  }
  return all;
}

}  // namespace etalon::cli
