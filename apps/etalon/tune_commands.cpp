// What tune found, as commands and as a recipe.
#include <cstdio>

#include "tune.hpp"

namespace etalon::cli {
namespace {

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

// Adds " NAME VALUE" where a value is not the usual one.
class Words {
 public:
  template <typename Number>
  void add(const char* name, Number value, Number usually) {
    if (value != usually) text_ += std::string(" ") + name + " " + number_text(double(value));
  }
  void add(const char* name, const std::string& value) {
    if (!value.empty()) text_ += std::string(" ") + name + " " + quoted(value);
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string finder_words(const FinderOptions& options) {
  const bool peakfinder8 = options.method == FinderOptions().method;
  const PeakParameters& p = options.parameters;
  const DispersionParameters& d = options.dispersion;
  const PeakParameters usual;
  const DispersionParameters usual_d;
  Words words;
  if (peakfinder8) {
    words.add("--threshold", p.threshold, usual.threshold);
    words.add("--snr", p.snr, usual.snr);
    words.add("--min-pixels", p.min_pixels, usual.min_pixels);
    words.add("--max-pixels", p.max_pixels, usual.max_pixels);
    words.add("--local-radius", p.local_radius, usual.local_radius);
  } else {
    words.add("--method", options.method);
    words.add("--threshold", d.threshold, usual_d.threshold);
    words.add("--sigma-background", d.sigma_background, usual_d.sigma_background);
    words.add("--sigma-strong", d.sigma_strong, usual_d.sigma_strong);
    words.add("--gain", options.gain, 1.0);
    words.add("--min-pixels", d.min_pixels, usual_d.min_pixels);
    words.add("--max-pixels", d.max_pixels, usual_d.max_pixels);
    if (d.kernel_size != usual_d.kernel_size)
      words.add("--kernel-size",
                std::to_string(d.kernel_size[0]) + "," + std::to_string(d.kernel_size[1]));
    words.add("--min-local", d.min_local, usual_d.min_local);
    words.add("--max-separation", d.max_separation, usual_d.max_separation);
  }
  words.add("--min-radius", p.min_radius, usual.min_radius);
  words.add("--max-radius", p.max_radius, usual.max_radius);
  words.add("--ice-rings", options.ice_rings, 0.0);
  words.add("--max-elongation", options.max_elongation, 0.0);
  words.add("--centre", options.centre);
  words.add("--mask", options.mask);
  words.add("--geometry", options.geometry);
  return std::move(words).text();
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

// The table [find] that asks for the same finder.
std::string find_table(const FinderOptions& options) {
  const PeakParameters& p = options.parameters;
  const DispersionParameters& d = options.dispersion;
  std::string text = "[find]\n";
  const auto add = [&](const char* key, double value) {
    text += std::string(key) + " = " + number_text(value) + "\n";
  };
  const auto add_unless = [&](const char* key, double value, double usually) {
    if (value != usually) add(key, value);
  };
  if (options.method == FinderOptions().method) {
    add("threshold", double(p.threshold));
    add("snr", double(p.snr));
    add("min_pixels", p.min_pixels);
    add("max_pixels", p.max_pixels);
    add("local_radius", p.local_radius);
  } else {
    text += "method = " + toml_text(options.method) + "\n";
    add("threshold", double(d.threshold));
    add("sigma_background", double(d.sigma_background));
    add("sigma_strong", double(d.sigma_strong));
    add("gain", options.gain);
    add("min_pixels", d.min_pixels);
    add("max_pixels", d.max_pixels);
    text += "kernel_size = [" + std::to_string(d.kernel_size[0]) + ", " +
            std::to_string(d.kernel_size[1]) + "]\n";
    add("min_local", d.min_local);
    add("max_separation", double(d.max_separation));
  }
  add_unless("min_radius", double(p.min_radius), 0);
  add_unless("max_radius", double(p.max_radius), double(PeakParameters().max_radius));
  add_unless("ice_rings", options.ice_rings, 0);
  add_unless("max_elongation", options.max_elongation, 0);
  if (!options.centre.empty()) text += "centre = [" + options.centre + "]\n";
  return text;
}

}  // namespace

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
  if (setting.peaks) text += find_table(options.finder) + "\n";
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

}  // namespace etalon::cli
