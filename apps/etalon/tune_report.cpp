#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tune.hpp"
#include "verify_science.hpp"

namespace etalon::cli {
namespace {

std::string target_text(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", ratio);
  return text;
}

std::string metric_text(double value) {
  if (std::isnan(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

nlohmann::json setting_json(const TuneOptions& options, const TrialSetting& setting) {
  nlohmann::json regions = options.regions;
  if (setting.peaks) regions.push_back("peaks:half=" + std::to_string(setting.half) + "@lossless");
  return {{"bound", to_string(setting.bound)}, {"dither", setting.dither}, {"regions", regions}};
}

nlohmann::json tried_json(const TuneOptions& options, const Tried& tried) {
  nlohmann::json out = setting_json(options, tried.outcome.setting);
  out["ratio"] = tried.outcome.ratio();
  nlohmann::json metrics = nlohmann::json::object();
  for (const auto& [name, value] : tried.outcome.report.metrics())
    metrics[name] = judged_number(value);
  out["metrics"] = metrics;
  out["broken"] = nlohmann::json::array();
  for (const Broken& b : tried.broken) out["broken"].push_back(b.text());
  out["keeps"] = tried.broken.empty();
  out["undecided"] = tried.undecided();
  return out;
}

Result<void> print_json(const TuneOptions& options, const Tuning& tuning) {
  nlohmann::json tried = nlohmann::json::array();
  for (const Tried& one : tuning.tried) tried.push_back(tried_json(options, one));
  nlohmann::json out = {
      {"schema", "etalon.tune/1"},
      {"input", options.input.path},
      {"frames", tuning.frames},
      {"sampled", tuning.sampled},
      {"target_ratio",
       tuning.target_ratio > 0 ? nlohmann::json(tuning.target_ratio) : nlohmann::json()},
      {"keep", to_string(tuning.keep)},
      {"met", tuning.met()},
      {"tried", tried},
      {"best", nullptr}};
  if (tuning.best) {
    const Tried& best = tuning.tried[*tuning.best];
    out["best"] = tried_json(options, best);
    out["best"]["commands"] = commands_of(options, best.outcome.setting);
    const auto recipe = recipe_of(options, best.outcome.setting);
    out["best"]["recipe"] = recipe ? nlohmann::json(*recipe) : nlohmann::json();
  }
  return print(out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

struct MetricColumn {
  const char *metric, *head, *below;
  int width;
};

std::vector<MetricColumn> columns_of(const Tuning& tuning) {
  std::vector<MetricColumn> columns{{"peaks", "peaks", "", 8},
                                    {"peaks_invented", "invented", "", 8},
                                    {"hits", "hits", "", 6},
                                    {"hits_invented", "invented", "hits", 8},
                                    {"strong_bias", "strong", "bias", 8},
                                    {"strong_scatter", "strong", "scatter", 8},
                                    {"weak_bias", "weak", "bias", 8},
                                    {"radial_chi2", "radial", "chi2", 9}};
  const bool crystals = !tuning.tried.empty() && tuning.tried[0].outcome.report.crystals.given;
  if (!crystals) return columns;
  columns.push_back({"indexed", "indexed", "", 8});
  columns.push_back({"orientation_shift", "turned", "degrees", 8});
  columns.push_back({"cc_half", "CC1/2", "", 8});
  columns.push_back({"r_split", "R_split", "", 8});
  if (tuning.tried[0].outcome.report.crystals.known)
    columns.push_back({"structure_factor_cc", "CC", "with F^2", 8});
  return columns;
}

std::string table(const Tuning& tuning) {
  const auto columns = columns_of(tuning);
  char line[120];
  std::string text;
  for (const bool first : {true, false}) {
    std::snprintf(line, sizeof line, "%-12s %-6s %-8s %9s", first ? "bound" : "",
                  first ? "dither" : "", first ? "peaks" : "region", first ? "ratio" : "");
    text += line;
    for (const MetricColumn& c : columns) {
      std::snprintf(line, sizeof line, " %*s", c.width, first ? c.head : c.below);
      text += line;
    }
    text += "\n";
  }
  for (std::size_t i = 0; i < tuning.tried.size(); ++i) {
    const Tried& tried = tuning.tried[i];
    const TrialSetting& setting = tried.outcome.setting;
    const auto metrics = tried.outcome.report.metrics();
    std::snprintf(line, sizeof line, "%-12s %-6s %-8s %9.2f", to_string(setting.bound).c_str(),
                  setting.dither ? "yes" : "-", setting.peaks ? "lossless" : "-",
                  tried.outcome.ratio());
    text += line;
    for (const MetricColumn& c : columns) {
      std::snprintf(line, sizeof line, " %*s", c.width,
                    metric_text(metrics.find(c.metric)->second).c_str());
      text += line;
    }
    std::string verdict = tuning.best == i ? "  <- best" : tried.broken.empty() ? "  keeps" : "";
    for (const Broken& b : tried.broken)
      verdict += (verdict.empty() ? "  breaks " : ", ") + b.comparison.metric;
    text += verdict + (tried.undecided() ? " (too few spots to tell)\n" : "\n");
  }
  return text;
}

}  // namespace

bool Tried::undecided() const {
  for (const Broken& b : broken) {
    const double bias = std::abs(outcome.report.weak.bias());
    if (b.comparison.metric != "weak_bias" || std::isnan(b.found) ||
        !cli::broken({{b.comparison}}, {{"weak_bias", bias}}).empty())
      return false;
  }
  return !broken.empty();
}

Result<void> print_tuning(const TuneOptions& options, const Tuning& tuning) {
  if (options.json) return print_json(options, tuning);
  std::string text = std::to_string(tuning.sampled) + " of " + std::to_string(tuning.frames) +
                     " frames; keep " + to_string(tuning.keep) +
                     (tuning.target_ratio > 0 ? "; target ratio " + target_text(tuning.target_ratio)
                                              : std::string()) +
                     "\n\n" + table(tuning);
  if (tuning.best) {
    const TrialSetting& setting = tuning.tried[*tuning.best].outcome.setting;
    text += tuning.met() ? "\nThe greatest ratio that keeps the science:\n\n"
                         : "\nThe greatest ratio that keeps the science is below the target:\n\n";
    for (const std::string& command : commands_of(options, setting)) text += "  " + command + "\n";
    if (const auto recipe = recipe_of(options, setting))
      text += "\nIn a recipe:\n\n" + *recipe;
    else
      text += "\nA recipe has no words for this: it neither dithers nor takes peaks from a file.\n";
  }
  return print(text);
}

}  // namespace etalon::cli
