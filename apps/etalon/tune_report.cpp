#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tune.hpp"
#include "verify_science.hpp"

namespace etalon::cli {
namespace {

const char* const metric_names[] = {"peaks",       "peaks_invented", "hits",      "hits_invented",
                                    "strong_bias", "strong_scatter", "weak_bias", "radial_chi2"};

// As a shell takes it.
std::string quoted(const std::string& text) {
  const std::string plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

// Options that say where the frames are, and of the finder those that are not the usual ones.
std::string source_words(const ArrayInput& input) {
  std::string words = " " + quoted(input.path);
  if (!input.dataset.empty()) words += " --dataset " + quoted(input.dataset);
  if (!input.dtype.empty()) words += " --dtype " + quoted(input.dtype);
  if (!input.shape.empty()) words += " --shape " + quoted(input.shape);
  return words;
}

std::string finder_words(const FinderOptions& options) {
  const PeakParameters& p = options.parameters;
  const PeakParameters usual;
  std::string words;
  const auto add = [&](const char* name, auto value, auto usually) {
    if (value != usually)
      words += std::string(" --") + name + " " + number_text(static_cast<double>(value));
  };
  add("threshold", p.threshold, usual.threshold);
  add("snr", p.snr, usual.snr);
  add("min-pixels", p.min_pixels, usual.min_pixels);
  add("max-pixels", p.max_pixels, usual.max_pixels);
  add("local-radius", p.local_radius, usual.local_radius);
  add("min-radius", p.min_radius, usual.min_radius);
  add("max-radius", p.max_radius, usual.max_radius);
  if (!options.centre.empty()) words += " --centre " + quoted(options.centre);
  if (!options.mask.empty()) words += " --mask " + quoted(options.mask);
  return words;
}

std::string stem_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty() || name.find_first_of("*?[") != std::string::npos) return "series";
  if (const std::size_t dot = name.find('.'); dot != std::string::npos && dot > 0) name.resize(dot);
  return name;
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text)
    out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
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

std::string table(const Tuning& tuning) {
  char line[240];
  std::snprintf(line, sizeof line, "%-12s %-6s %-8s %9s %8s %8s %6s %8s %8s %8s %8s %9s\n", "bound",
                "dither", "peaks", "ratio", "peaks", "invented", "hits", "invented", "strong",
                "strong", "weak", "radial");
  std::string text = line;
  std::snprintf(line, sizeof line, "%-12s %-6s %-8s %9s %8s %8s %6s %8s %8s %8s %8s %9s\n", "", "",
                "region", "", "", "", "", "hits", "bias", "scatter", "bias", "chi2");
  text += line;
  for (std::size_t i = 0; i < tuning.tried.size(); ++i) {
    const Tried& tried = tuning.tried[i];
    const TrialSetting& setting = tried.outcome.setting;
    const auto metrics = tried.outcome.report.metrics();
    std::snprintf(line, sizeof line, "%-12s %-6s %-8s %9.2f", to_string(setting.bound).c_str(),
                  setting.dither ? "yes" : "-", setting.peaks ? "lossless" : "-",
                  tried.outcome.ratio());
    text += line;
    constexpr int widths[] = {8, 8, 6, 8, 8, 8, 8, 9};
    for (std::size_t m = 0; m < std::size(metric_names); ++m) {
      std::snprintf(line, sizeof line, " %*s", widths[m],
                    metric_text(metrics.find(metric_names[m])->second).c_str());
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

std::string describe(const TrialSetting& setting) {
  return to_string(setting.bound) + (setting.dither ? " dithered" : "") +
         (setting.peaks ? ", peaks lossless" : "");
}

std::vector<std::string> commands_of(const TuneOptions& options, const TrialSetting& setting) {
  std::vector<std::string> commands;
  const std::string stem = stem_of(options.input.path), peaks = stem + ".peaks.csv";
  if (setting.peaks)
    commands.push_back("etalon find" + source_words(options.input) + finder_words(options.finder) +
                       " --csv > " + quoted(peaks));
  std::string line = "etalon compress" + source_words(options.input) + " -o " +
                     quoted(stem + ".etalon") + " --bound " + quoted(to_string(setting.bound));
  if (setting.dither) line += " --dither";
  for (const std::string& region : options.regions) line += " --region " + quoted(region);
  if (setting.peaks)
    line += " --region " +
            quoted("peaks:file=" + peaks + ",half=" + std::to_string(setting.half) + "@lossless");
  if (!options.finder.mask.empty()) line += " --mask " + quoted(options.finder.mask);
  commands.push_back(line);
  return commands;
}

std::optional<std::string> recipe_of(const TuneOptions& options, const TrialSetting& setting) {
  if (setting.dither) return std::nullopt;
  std::string text;
  const PeakParameters& p = options.finder.parameters;
  const PeakParameters usual;
  if (setting.peaks) {
    text += "[find]\nthreshold = " + number_text(static_cast<double>(p.threshold)) +
            "\nsnr = " + number_text(static_cast<double>(p.snr)) +
            "\nmin_pixels = " + std::to_string(p.min_pixels) +
            "\nmax_pixels = " + std::to_string(p.max_pixels) +
            "\nlocal_radius = " + std::to_string(p.local_radius) + "\n";
    if (p.min_radius != usual.min_radius)
      text += "min_radius = " + number_text(static_cast<double>(p.min_radius)) + "\n";
    if (p.max_radius != usual.max_radius)
      text += "max_radius = " + number_text(static_cast<double>(p.max_radius)) + "\n";
    if (!options.finder.centre.empty()) text += "centre = [" + options.finder.centre + "]\n";
    text += "\n";
  }
  text += "[reduce]\nbound = " + toml_text(to_string(setting.bound)) + "\n";
  for (const std::string& region : options.regions) {
    const auto spec = parse_region(region);
    if (!spec.ok() || spec->kind == "peaks") return std::nullopt;  // a recipe finds its own peaks
    text += "\n[[reduce.region]]\nkind = " + toml_text(spec->kind) + "\n";
    for (const auto& [key, value] : spec->parameters) text += key + " = " + toml_text(value) + "\n";
    text += "bound = " + toml_text(to_string(spec->bound)) + "\n";
  }
  if (setting.peaks)
    text += "\n[[reduce.region]]\nkind = \"peaks\"\nhalf = " + std::to_string(setting.half) +
            "\nbound = \"lossless\"\n";
  return text;
}

Result<void> print_tuning(const TuneOptions& options, const Tuning& tuning) {
  if (options.json) return print_json(options, tuning);
  std::string text = std::to_string(tuning.sampled) + " of " + std::to_string(tuning.frames) +
                     " frames; keep " + to_string(tuning.keep) +
                     (tuning.target_ratio > 0 ? "; target ratio " + number_text(tuning.target_ratio)
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
