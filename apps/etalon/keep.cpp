#include "keep.hpp"

#include <cmath>
#include <cstdio>

namespace etalon::cli {

Result<Condition> parse_keep(const std::string& text, bool places_given) {
  const auto refuse = [&](const std::string& reason) {
    return Error{Errc::usage, "--keep '" + text + "': " + reason};
  };
  auto condition = parse_condition(text);
  if (!condition.ok()) return refuse(condition.error().message);
  const Metrics known = ScienceReport{}.metrics();
  for (const Comparison& comparison : condition->comparisons) {
    if (known.contains(comparison.metric)) {
      if (comparison.metric != "weak_bias" || places_given) continue;
      return refuse("weak_bias needs the places of weak spots (--predicted)");
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
