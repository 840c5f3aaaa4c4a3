#include "steer/rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace etalon {
namespace {

std::string shown(double value) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                          std::chars_format::general, 6);
  return {digits.data(), end};
}

// "hit_rate = 0.03", for each metric the condition looks at, once.
std::string seen(const Condition& condition, const Metrics& metrics) {
  std::vector<std::string> done;
  std::string text;
  for (const Comparison& c : condition.comparisons) {
    if (std::find(done.begin(), done.end(), c.metric) != done.end()) continue;
    done.push_back(c.metric);
    text += (text.empty() ? "" : ", ") + c.metric + " = " + shown(metrics.find(c.metric)->second);
  }
  return text;
}

}  // namespace

Result<RuleTable> RuleTable::create(const std::vector<RuleText>& rules, const Options& options,
                                    const std::vector<std::string>& known) {
  RuleTable table;
  table.options_ = options;
  if (options.otherwise.empty()) return Error{Errc::usage, "otherwise: names no action"};
  Metrics names;
  for (const std::string& name : known) names[name] = 0;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string where = "rule " + std::to_string(i + 1) + ": ";
    if (rules[i].action.empty()) return Error{Errc::usage, where + "names no action"};
    for (const auto& [name, value] : rules[i].parameters)
      if (const double* number = std::get_if<double>(&value); number && !std::isfinite(*number))
        return Error{Errc::usage, where + name + " is not a finite number"};
    auto when = parse_condition(rules[i].when);
    if (!when.ok()) return std::move(when).error().in(where + "when = \"" + rules[i].when + "\"");
    if (auto tried = holds(*when, names); !tried.ok())
      return std::move(tried).error().in(where + "when = \"" + rules[i].when + "\"");
    table.rules_.push_back({std::move(when).value(), rules[i].action, rules[i].parameters});
  }
  return table;
}

Result<Action> RuleTable::decide(const Metrics& metrics, std::uint64_t frames,
                                 std::vector<Hash> evidence) const {
  const auto abstain = [&](std::string reason) {
    return Action{std::string(action_abstain), {}, std::move(reason), std::move(evidence)};
  };
  if (frames < options_.min_frames)
    return abstain("too little evidence: " + std::to_string(frames) + " frames, at least " +
                   std::to_string(options_.min_frames) + " are needed");
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& rule = rules_[i];
    const std::string where = "rule " + std::to_string(i + 1);
    auto held = holds(rule.when, metrics);
    if (!held.ok()) {
      if (held.error().code == Errc::check)
        return abstain(where + " cannot be judged: " + held.error().message);
      return std::move(held).error().in(where);
    }
    if (*held)
      return Action{rule.action, rule.parameters,
                    where + " holds: " + to_string(rule.when) + " (" + seen(rule.when, metrics) +
                        ", " + std::to_string(frames) + " frames)",
                    std::move(evidence)};
  }
  return Action{options_.otherwise,
                {},
                "none of " + std::to_string(rules_.size()) + " rules holds (" +
                    std::to_string(frames) + " frames)",
                std::move(evidence)};
}

const std::vector<std::string>& run_metric_names() {
  static const std::vector<std::string> names{"frames",
                                              "hits",
                                              "hit_rate",
                                              "mean_peaks_per_hit",
                                              "lost_frames",
                                              "lost_fraction",
                                              "saturated_fraction",
                                              "mean_background",
                                              "frames_per_s",
                                              "latency_p99_ms",
                                              "ratio_kept",
                                              "ratio_total",
                                              "false_rejection_rate",
                                              "false_rejection_upper"};
  return names;
}

const std::vector<std::string>& frame_metric_names() {
  static const std::vector<std::string> names{"peaks",     "score",           "max_snr",
                                              "max_value", "mean_background", "saturated_pixels"};
  return names;
}

}  // namespace etalon
