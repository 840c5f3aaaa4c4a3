#include "pipeline/decision.hpp"

#include <cmath>
#include <limits>
#include <set>

#include "base/text.hpp"
#include "etalon/version.hpp"
#include "pipeline/edge_records.hpp"

namespace etalon {
namespace {

// The numbers that the rules look at, and those that every decision rests on. Others, such as
// times, would give the same decision another id each time.
std::set<std::string> metrics_used(const Recipe::Decide& decide) {
  std::set<std::string> used{"frames", "hits", "hit_rate"};
  for (const RuleText& rule : decide.rules)
    if (auto condition = parse_condition(rule.when); condition.ok())
      for (const Comparison& c : condition->comparisons) used.insert(c.metric);
  return used;
}

cbor::Value decide_settings(const Recipe::Decide& decide, const Metrics& metrics,
                            const Action& action) {
  cbor::List rules;
  for (const RuleText& rule : decide.rules) {
    cbor::Value v;
    v.set("when", rule.when).set("action", rule.action);
    v.set("parameters", parameters_value(rule.parameters));
    rules.push_back(std::move(v));
  }
  cbor::Value numbers(cbor::Map{}), v;
  for (const std::string& name : metrics_used(decide))
    if (const auto it = metrics.find(name); it != metrics.end()) numbers.set(name, it->second);
  v.set("rules", std::move(rules)).set("otherwise", decide.options.otherwise);
  v.set("min_frames", decide.options.min_frames).set("metrics", numbers);
  v.set("action", action.to_cbor());
  return v;
}

}  // namespace

Metrics metrics_of(const RunNumbers& run, const std::optional<Analysis>& analysis) {
  Metrics m;
  for (const std::string& name : run_metric_names())
    m[name] = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t lost = 0;
  for (const auto& [cause, count] : run.lost) lost += count;
  const auto frames = static_cast<double>(run.received), hits = static_cast<double>(run.stored);
  m["frames"] = frames;
  m["hits"] = hits;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  m["hit_rate"] = ratio(hits, frames, nan);
  m["lost_frames"] = static_cast<double>(lost);
  m["lost_fraction"] = ratio(static_cast<double>(lost), frames, nan);
  m["frames_per_s"] = ratio(frames, run.seconds, nan);
  m["latency_p99_ms"] = run.latency_p99_ms;
  m["ratio_kept"] =
      ratio(static_cast<double>(run.raw_bytes_kept), static_cast<double>(run.bytes_stored), nan);
  m["ratio_total"] =
      ratio(static_cast<double>(run.raw_bytes), static_cast<double>(run.bytes_stored), nan);
  m["false_rejection_rate"] = run.audit.audited > 0 ? run.audit.rate() : nan;
  m["false_rejection_upper"] = run.audit.rejected > 0 ? run.audit.interval().high : 0;
  if (analysis)
    for (const auto& [name, value] : analysis->metrics)
      if (m.count(name) != 0) m[name] = value;
  return m;
}

Result<Decision> decide(const Recipe& recipe, const Metrics& metrics, std::uint64_t frames,
                        const Hash& evidence, Ledger& ledger) {
  ETALON_ASSIGN(const RuleTable table,
                RuleTable::create(recipe.decide.rules, recipe.decide.options, run_metric_names()));
  Decision out;
  ETALON_ASSIGN(out.action, table.decide(metrics, frames, {evidence}));
  const Record record{"decide",
                      {{"record", evidence, ""}, {"recipe", recipe.hash, ""}},
                      {{"action", out.action.id(), ""}},
                      decide_settings(recipe.decide, metrics, out.action),
                      std::string(program)};
  ETALON_ASSIGN(out.id, ledger.add(record));
  return out;
}

}  // namespace etalon
