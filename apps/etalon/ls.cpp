#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "commands.hpp"
#include "printable.hpp"
#include "report_line.hpp"
#include "series_json.hpp"
#include "series_plots.hpp"
#include "store/series_summary.hpp"

namespace etalon::cli {
namespace {

constexpr double ev_angstrom = 12398.419843320026;  // h c

struct Options {
  std::vector<std::string> files;
  std::string plot;
  std::optional<std::uint64_t> frame;
  std::uint32_t min_peaks = 15;
  bool json = false, overwrite = false;
};

std::string detector_text(const SeriesInfo& info) {
  std::string text = info.detector.empty() ? "not named" : printable(info.detector);
  if (!info.sensor_material.empty()) text += ", " + printable(info.sensor_material);
  if (info.sensor_thickness_m > 0) {
    char thickness[32];
    std::snprintf(thickness, sizeof thickness, " of %g um", info.sensor_thickness_m * 1e6);
    text += thickness;
  }
  return text + ", " + counted(info.geometry.panels_or_whole().size(), "panel");
}

std::string beam_text(const Geometry& g) {
  std::string text;
  const auto add = [&](const char* format, auto... values) {
    char part[96];
    std::snprintf(part, sizeof part, format, values...);
    text += (text.empty() ? "" : ", ") + std::string(part);
  };
  if (g.wavelength_angstrom > 0)
    add("%.5g A (%.5g eV)", g.wavelength_angstrom, ev_angstrom / g.wavelength_angstrom);
  if (g.distance_m > 0) add("detector at %.5g mm", g.distance_m * 1e3);
  if (g.pixel_size_x_m > 0)
    add("pixels of %.4g x %.4g um", g.pixel_size_x_m * 1e6, g.pixel_size_y_m * 1e6);
  if (g.places.empty())
    add("centre x %.6g y %.6g", g.centre_x, g.centre_y);
  else
    add("every panel has its place");
  return text;
}

std::string text_of(const std::string& file, const SeriesSummary& s) {
  const SeriesInfo& info = s.info;
  const Geometry& g = info.geometry;
  std::string text = file + (s.is_growing ? " (is being written, or its writer was killed)" : "");
  text += "\n" + line("series", "%s: %s of %zu x %zu %s", printable(info.name).c_str(),
                      counted(info.frames, "frame").c_str(), g.ny, g.nx,
                      std::string(name_of(info.dtype)).c_str());
  if (s.first_number && *s.last_number + 1 != info.frames)
    text += line("numbers", "%llu to %llu of the series they were taken from", ull(*s.first_number),
                 ull(*s.last_number));
  if (!info.start_time.empty()) text += line("started", "%s", printable(info.start_time).c_str());
  if (info.frame_time_s > 0)
    text += line("exposure", "%g ms a frame, %g ms of it exposed", info.frame_time_s * 1e3,
                 info.count_time_s * 1e3);
  text += line("beam", "%s", beam_text(g).c_str());
  text += line("detector", "%s", detector_text(info).c_str());
  text += line("masked", "%s (%.2f %%)", counted(s.masked, "pixel").c_str(),
               100 * ratio(static_cast<double>(s.masked), static_cast<double>(g.pixels())));
  text +=
      line("stored", "%s of %s, ratio %.2f", human_bytes(static_cast<double>(s.file_bytes)).c_str(),
           human_bytes(static_cast<double>(s.raw_bytes)).c_str(),
           ratio(static_cast<double>(s.raw_bytes), static_cast<double>(s.file_bytes)));
  if (s.peaks)
    text += line("peaks", "%llu in %s: %llu to %llu a frame, median %llu", ull(s.peaks->all),
                 counted(s.peaks->frames, "frame").c_str(), ull(s.peaks->least), ull(s.peaks->most),
                 ull(s.peaks->median));
  if (s.audit)
    text += line("audit", "%s kept whole, %s a hit by the judge",
                 counted(s.audit->frames, "rejected frame").c_str(),
                 std::to_string(s.audit->hits).c_str());
  return text;
}

Result<void> run(const Options& options) {
  nlohmann::json all = nlohmann::json::array();
  std::string text;
  for (const std::string& file : options.files) {
    ETALON_ASSIGN(const SeriesSummary summary, summarize_series(file));
    Plots plots;
    if (!options.plot.empty()) {
      ETALON_ASSIGN(plots, plot_series(file, {options.plot, options.frame, options.min_peaks,
                                              options.overwrite}));
    }
    if (options.json) {
      all.push_back(summary_json(file, summary));
      if (!options.plot.empty()) all.back()["plots"] = plots.files;
    } else {
      text += (text.empty() ? "" : "\n") + text_of(file, summary);
      for (const std::string& name : plots.files) text += line("plot", "%s", name.c_str());
      for (const std::string& why : plots.missing) text += line("no plot", "%s", why.c_str());
    }
  }
  if (!options.json) return print(text);
  const nlohmann::json report = {{"schema", "etalon.ls/1"}, {"series", all}};
  return print(report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace

void add_ls(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "ls", "Show stored series at a glance: what was measured, how, and what was found",
      options, run);
  command
      ->add_option(
          "file", options->files,
          "Series: NXmx or other HDF5, Etalon containers, .npy, CBF, TIFF, folders of these")
      ->required();
  command
      ->add_option("--plot", options->plot,
                   "Draw into this folder, as PNG: a frame with its peaks, the mean of all "
                   "frames, that round the beam, and the share of hits over time")
      ->option_text("FOLDER");
  command->add_option("--frame", options->frame,
                      "Which frame to draw, by index; default: the one with the most peaks");
  command->add_option("--min-peaks", options->min_peaks, "Peaks that make a hit, for --plot")
      ->capture_default_str();
  command->add_flag("-f,--force", options->overwrite, "Write over pictures that exist");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      "A file that is still being written is shown as far as it has come. How it is coded: etalon "
      "info.");
}

}  // namespace etalon::cli
