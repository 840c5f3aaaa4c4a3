#include "analyse_powder.hpp"

#include <algorithm>

#include "analyse/panel_statistics.hpp"
#include "reduce_input.hpp"
#include "store/file.hpp"

namespace etalon::cli {
namespace {

nlohmann::json hits_json(const HitStatistics& hits) {
  nlohmann::json histogram = nlohmann::json::array();
  for (const auto& [peaks, count] : hits.histogram())
    histogram.push_back({{"peaks", peaks}, {"hits", count}});
  return {{"frames", hits.frames()},
          {"hits", hits.hits()},
          {"hit_rate", hits.hit_rate()},
          {"min_peaks", hits.min_peaks()},
          {"peaks_per_hit",
           {{"mean", hits.mean_peaks()}, {"sigma", hits.sigma_peaks()}, {"histogram", histogram}}},
          {"resolution_angstrom",
           {{"median", hits.resolution_angstrom(0.5)},
            {"p95", hits.resolution_angstrom(0.95)},
            {"finest", hits.resolution_angstrom(1)}}}};
}

std::string hits_text(const HitStatistics& hits) {
  char text[512];
  std::snprintf(
      text, sizeof text,
      "frames          %llu\nhits            %llu (%.2f %%, at least %u peaks)\n"
      "peaks per hit   %.1f, sigma %.1f\n"
      "resolution      median %.2f, 95 %% of peaks to %.2f, finest %.2f angstrom\n",
      static_cast<unsigned long long>(hits.frames()), static_cast<unsigned long long>(hits.hits()),
      100 * hits.hit_rate(), hits.min_peaks(), hits.mean_peaks(), hits.sigma_peaks(),
      hits.resolution_angstrom(0.5), hits.resolution_angstrom(0.95), hits.resolution_angstrom(1));
  return text;
}

nlohmann::json panels_json(const std::vector<PanelStatistics>& panels) {
  nlohmann::json list = nlohmann::json::array();
  for (const PanelStatistics& p : panels)
    list.push_back({{"y", {p.panel.y0, p.panel.y1}},
                    {"x", {p.panel.x0, p.panel.x1}},
                    {"good_pixels", p.good_pixels},
                    {"dead_pixels", p.dead_pixels},
                    {"constant_pixels", p.constant_pixels},
                    {"mean", p.mean},
                    {"median", p.median},
                    {"quantile_0.01", p.low},
                    {"quantile_0.99", p.high},
                    {"variance_over_mean", p.variance_over_mean},
                    {"max", p.max}});
  return list;
}

// Of a detector with several.
std::string panels_text(const std::vector<PanelStatistics>& panels) {
  if (panels.size() < 2) return "";
  std::string text =
      "panel            rows          columns      good    dead  constant       mean     median"
      "  var/mean        max\n";
  char line[160];
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const PanelStatistics& p = panels[i];
    std::snprintf(line, sizeof line,
                  "%-5zu %8zu..%-8zu %8zu..%-8zu %7llu %7llu %9llu %10.4g %10.4g %9.3g %10lld\n", i,
                  p.panel.y0, p.panel.y1, p.panel.x0, p.panel.x1,
                  static_cast<unsigned long long>(p.good_pixels),
                  static_cast<unsigned long long>(p.dead_pixels),
                  static_cast<unsigned long long>(p.constant_pixels), p.mean, p.median,
                  p.variance_over_mean, static_cast<long long>(p.max));
    text += line;
  }
  return text;
}

// Hit statistics over all files; Errc::missing when one has no peaks.
Result<HitStatistics> all_hits(const PowderOptions& options) {
  HitStatistics hits(options.min_peaks);
  for (const std::string& path : options.files) {
    ETALON_ASSIGN(const HitStatistics more, hits_of(path, options.min_peaks));
    hits.merge(more);
  }
  return hits;
}

Result<void> run_hits(const PowderOptions& options) {
  ETALON_ASSIGN(const HitStatistics hits, all_hits(options));
  return report_hits(options, hits);
}

Result<Powder> all_powder(const PowderOptions& options) {
  Progress progress("powder", 0, "frames");
  AnalysisOptions how;
  how.threads = options.threads;
  how.stop = &interrupted;
  std::uint64_t before = 0;
  how.progress = [&](std::uint64_t done) { progress.update(before + done); };
  std::optional<Powder> all;
  for (const std::string& file : options.files) {
    ETALON_ASSIGN(how.open, open_options({file, options.dataset, "", ""}));
    ETALON_ASSIGN(Powder more, powder_of(file, how));
    ETALON_TRY(add_powder(all, std::move(more), file));
    before = all->frames();
  }
  return std::move(*all);
}

Result<void> run_powder(const PowderOptions& options) {
  ETALON_TRY(check_powder(options));
  ETALON_ASSIGN(const Powder powder, all_powder(options));
  return report_powder(options, powder);
}

Command* declare(Command& analyse, const std::string& name, const std::string& summary,
                 const std::string& files, PowderOptions& options) {
  Command* command = analyse.add_subcommand(name, summary);
  command->add_option("FILE", options.files, files)->required();
  command->add_option("--min-peaks", options.min_peaks, "Stored peaks that make a hit");
  command->add_flag("--json", options.json, "Print JSON");
  return command;
}

}  // namespace

Command* declare_hits(Command& analyse, PowderOptions& options) {
  return declare(analyse, "hits",
                 "Hits, hit rate, peaks per hit and their resolution, from the stored peaks",
                 "Series that etalon run stored: HDF5 with its peaks", options);
}

Command* declare_powder(Command& analyse, PowderOptions& options) {
  Command* command = declare(
      analyse, "powder", "Virtual powder: sum, mean, maximum and variance of each good pixel",
      "Series: HDF5 (NXmx), .npy, CBF, TIFF, a folder or a pattern of these", options);
  command->add_option("-o,--output", options.output, "HDF5 file to write")->required();
  command->add_option("--dataset", options.dataset, "Image dataset, where a file has several");
  command->add_flag("-f,--force", options.overwrite, "Overwrite the output");
  return command;
}

Result<void> report_hits(const PowderOptions& options, const HitStatistics& hits,
                         const JobReport& job) {
  if (!options.json) return print(hits_text(hits) + job.text);
  nlohmann::json report = {
      {"schema", "etalon.analyse/1"}, {"kind", "hits"}, {"files", options.files}};
  report.update(hits_json(hits));
  job.add_to(report);
  return print(report.dump(2) + "\n");
}

Result<void> check_powder(const PowderOptions& options) {
  ETALON_TRY(check_ending(options.output, FileKind::hdf5, "HDF5"));
  for (const std::string& file : options.files) ETALON_TRY(refuse_same_file(file, options.output));
  return {};
}

Result<void> add_powder(std::optional<Powder>& all, Powder more, const std::string& file) {
  if (!all)
    all = std::move(more);
  else if (auto merged = all->merge(more); !merged.ok())
    return std::move(merged).error().in(file);
  return {};
}

Result<void> report_powder(const PowderOptions& options, const Powder& powder,
                           const JobReport& job) {
  // A series without stored peaks has a powder all the same; only HDF5 stores any.
  const bool hdf5 = std::ranges::all_of(
      options.files, [](const std::string& file) { return file_kind(file) == FileKind::hdf5; });
  auto hits = hdf5 ? all_hits(options) : Error{Errc::missing, "no peaks are stored"};
  if (!hits.ok() && hits.error().code != Errc::missing &&
      !(hits.error().code == Errc::malformed && !options.dataset.empty()))
    return std::move(hits).error();
  ETALON_ASSIGN(const std::vector<PanelStatistics> panels, panel_statistics(powder));
  ETALON_TRY(write_powder(options.output, powder, options.overwrite));

  const double n = static_cast<double>(powder.frames());
  const double saturated = n > 0 ? static_cast<double>(powder.saturated_frames()) / n : 0;
  if (!options.json) {
    std::string text = options.output + ": virtual powder of " + std::to_string(powder.frames()) +
                       " frames, " + std::to_string(powder.good_pixels()) + " good pixels\n";
    text += panels_text(panels);
    if (hits.ok()) text += hits_text(*hits);
    return print(text + job.text);
  }
  nlohmann::json report = {{"schema", "etalon.analyse/1"},
                           {"kind", "powder"},
                           {"files", options.files},
                           {"output", options.output},
                           {"frames", powder.frames()},
                           {"shape", {powder.info().geometry.ny, powder.info().geometry.nx}},
                           {"good_pixels", powder.good_pixels()},
                           {"mean", powder.mean_of_good_pixels()},
                           {"saturated_frames", powder.saturated_frames()},
                           {"saturated_fraction", saturated},
                           {"panels", panels_json(panels)}};
  if (hits.ok()) report["hits"] = hits_json(*hits);
  job.add_to(report);
  return print(report.dump(2) + "\n");
}

void add_analyse_hits(Cli& cli, Command& analyse) {
  auto options = std::make_shared<PowderOptions>();
  declare_hits(analyse, *options)->callback([&cli, options] {
    cli.chosen = [options] { return run_hits(*options); };
  });
}

void add_analyse_powder(Cli& cli, Command& analyse) {
  auto options = std::make_shared<PowderOptions>();
  Command* command = declare_powder(analyse, *options);
  command->callback([&cli, options] { cli.chosen = [options] { return run_powder(*options); }; });
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
}

}  // namespace etalon::cli
