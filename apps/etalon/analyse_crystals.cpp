#include "analyse_crystals.hpp"

#include <algorithm>

#include "crystal_options.hpp"
#include "crystal_report.hpp"
#include "finder_options.hpp"
#include "reduce_input.hpp"
#include "store/file.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string verb;
  std::vector<std::string> files, truths;
  std::string output, dataset;
  FinderOptions finder;
  CrystalOptions crystal;
  MergeSettings merging;
  unsigned threads = 0;
  bool overwrite = false, json = false, merges = false;
};

// Frames of different files are different crystals, also where they have the same numbers.
constexpr std::uint64_t files_apart = std::uint64_t{1} << 40;

struct Findings {
  CrystalTally tally;
  std::vector<CrystalObservations> observations;
  IndexingSettings indexing;
  std::optional<KnownIntensities> known;
};

void note_crystals(const StillResult& still, std::size_t file,
                   const std::optional<CrystalTruth>& truth, const PointGroup& group,
                   Findings& all) {
  CrystalTally& tally = all.tally;
  ++tally.frames;
  const Matrix3* const true_matrix =
      truth && still.frame < truth->a_matrices.size() && truth->a_matrices[still.frame]
          ? &*truth->a_matrices[still.frame]
          : nullptr;
  for (const CrystalLattice& lattice : still.crystals.lattices) {
    FoundCrystal& found = tally.crystals.emplace_back();
    found.file = file;
    found.frame = still.frame;
    found.peaks = still.peaks;
    found.lattice = lattice;
    if (true_matrix != nullptr)
      found.off_deg = misorientation_deg(*true_matrix, lattice.a_matrix, group);
  }
  tally.indexed += !still.crystals.lattices.empty();
  for (const auto& observations : still.crystals.observations)
    all.observations.push_back({still.frame + file * files_apart, observations});
}

Result<void> look_at_file(const Options& options, const FinderSettings& finder, std::size_t file,
                          Findings& all) {
  const std::string& name = options.files[file];
  std::optional<CrystalTruth> truth;
  if (!options.truths.empty()) {
    ETALON_ASSIGN(truth, read_crystal_truth(options.truths[file]));
  }
  ETALON_ASSIGN(const CrystalSettings crystals,
                crystal_settings(options.verb, options.crystal, options.finder.gain, truth));
  ETALON_ASSIGN(const OpenOptions open, open_options({name, options.dataset, "", ""}));
  ETALON_ASSIGN(const auto series, open_series(name, open));
  if (truth) {
    std::uint64_t frames = series->info().frames;  // of the series that it was taken from
    for (std::uint64_t i = 0; series->has_source_numbers() && i < series->info().frames; ++i)
      frames = std::max(frames, series->source_number(i) + 1);
    if (!series->has_source_numbers() || frames > truth->a_matrices.size())
      ETALON_TRY(truth->fits(frames, name));
  }
  ETALON_ASSIGN(const FinderView view,
                finder_view(options.verb, name, series->info(), options.finder));
  if (truth && !all.known) all.known = truth->known(crystals.indexing.point_group);
  all.indexing = crystals.indexing;
  Progress progress("indexing", series->info().frames, "frames");
  CrystalSeries how;
  how.finder = finder;
  how.crystals = crystals;
  how.crystals.integrate = options.merges;
  how.min_peaks = options.finder.min_peaks;
  how.threads = options.threads;
  how.progress = [&](std::uint64_t done) { progress.update(done); };
  how.stop = &interrupted;
  const auto take = [&](StillResult still) -> Result<void> {
    note_crystals(still, file, truth, crystals.indexing.point_group, all);
    if (still.peaks < how.min_peaks) return {};
    ++all.tally.hits;
    all.tally.milliseconds.push_back(still.indexing_ms);
    all.tally.true_crystals +=
        truth && still.frame < truth->a_matrices.size() && truth->a_matrices[still.frame];
    return {};
  };
  auto done = index_series(*series, view.geometry, view.mask, how, take);
  if (!done.ok() && done.error().code == Errc::usage) return std::move(done).error().in(name);
  return done;
}

bool is_csv(const std::string& path) { return path.ends_with(".csv"); }

Result<void> check_names(const Options& options) {
  if (!options.truths.empty() && options.truths.size() != options.files.size())
    return Error{Errc::usage, options.verb + ": --truth: as many as there are series"};
  if (options.output.empty()) return {};
  if (!is_csv(options.output) && !options.output.ends_with(".json"))
    return Error{Errc::usage, "-o " + options.output + ": written are .csv and .json"};
  for (const std::string& file : options.files) ETALON_TRY(refuse_same_file(file, options.output));
  return {};
}

Result<void> write_text(const Options& options, const std::string& text) {
  ETALON_ASSIGN(OutputFile file, OutputFile::create(options.output, options.overwrite));
  ETALON_TRY(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

Result<Findings> look_at_all(const Options& options) {
  ETALON_TRY(check_names(options));
  ETALON_ASSIGN(const FinderSettings finder, finder_settings(options.verb, options.finder));
  Findings all;
  all.tally.files = options.files;
  all.tally.truth = !options.truths.empty();
  for (std::size_t i = 0; i < options.files.size(); ++i)
    ETALON_TRY(look_at_file(options, finder, i, all));
  return all;
}

nlohmann::json report_of(const Options& options, const CrystalTally& tally) {
  nlohmann::json report = index_json(tally);
  report["schema"] = "etalon.analyse/1";
  report["kind"] = options.merges ? "merge" : "index";
  report["output"] = options.output.empty() ? nlohmann::json() : nlohmann::json(options.output);
  return report;
}

Result<void> run_index(const Options& options) {
  ETALON_ASSIGN(const Findings all, look_at_all(options));
  nlohmann::json report = report_of(options, all.tally);
  if (!options.output.empty()) {
    if (is_csv(options.output)) {
      ETALON_TRY(write_text(options, crystals_csv(all.tally)));
    } else {
      nlohmann::json whole = report;
      whole["lattices"] = crystals_json(all.tally);
      ETALON_TRY(write_text(options, whole.dump(1) + "\n"));
    }
  }
  return print(options.json ? report.dump(2) + "\n" : index_text(all.tally));
}

Result<void> run_merge(const Options& options) {
  ETALON_ASSIGN(const Findings all, look_at_all(options));
  const KnownIntensities* const known = all.known ? &*all.known : nullptr;
  const Merged merged = merge(all.observations, all.indexing, options.merging, known);
  nlohmann::json report = report_of(options, all.tally);
  report["merged"] = merge_json(merged);
  if (!options.output.empty())
    ETALON_TRY(write_text(
        options, is_csv(options.output) ? reflections_csv(merged, known) : report.dump(1) + "\n"));
  if (options.json) return print(report.dump(2) + "\n");
  return print(index_text(all.tally) + merge_text(merged, known != nullptr));
}

CLI::App* add(Cli& cli, CLI::App& analyse, const char* name, const char* summary,
              const std::shared_ptr<Options>& options, Result<void> (*run)(const Options&)) {
  CLI::App* command = analyse.add_subcommand(name, summary);
  options->verb = std::string("analyse ") + name;
  command->callback(
      [&cli, options, run] { cli.chosen = [options, run] { return run(*options); }; });
  command->add_option("FILE", options->files, "Series: HDF5 (NXmx), CBF, TIFF, .npy")->required();
  add_crystal_options(*command, options->crystal);
  command
      ->add_option("--truth", options->truths,
                   "Simulated series whose truth judges the result: one for each FILE")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("--dataset", options->dataset, "Image dataset, where a file has several")
      ->type_name("/PATH")
      ->default_str("");
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->check(CLI::Range(0, 1024));
  return command;
}

}  // namespace

void add_analyse_crystals(Cli& cli, CLI::App& analyse) {
  auto options = std::make_shared<Options>();
  CLI::App* index =
      add(cli, analyse, "index",
          "Orientations of crystals of a known cell, from the peaks of stills", options, run_index);
  index
      ->add_option("-o,--output", options->output,
                   "One line a crystal (.csv), or the report and all indexed peaks (.json)")
      ->type_name("FILE")
      ->default_str("");
  for (CLI::Option* option : add_finder_options(*index, options->finder))
    if (option->get_group() == "OPTIONS" || option->get_group() == "Options")
      option->group("Finding");
  index->footer(
      "  etalon analyse index run.h5 --cell 79.1,79.1,37.9,90,90,90 --point-group 422 -o run.csv");

  auto merging = std::make_shared<Options>();
  merging->merges = true;
  CLI::App* merge = add(cli, analyse, "merge",
                        "Index and integrate stills, merge them, and say how good the result is",
                        merging, run_merge);
  merge
      ->add_option("-o,--output", merging->output,
                   "Merged reflections (.csv), or the report (.json)")
      ->type_name("FILE")
      ->default_str("");
  add_integration_options(*merge, merging->crystal);
  merge->add_option("--scaling", merging->merging.scaling_rounds,
                    "Rounds of scaling of the crystals; 0: all count alike");
  merge
      ->add_option("--min-observations", merging->merging.min_observations,
                   "Of a reflection that is judged")
      ->check(CLI::Range(2, 1000000));
  merge->add_option("--shells", merging->merging.shells, "Shells of resolution, of equal volume")
      ->check(CLI::Range(1, 1000));
  for (CLI::Option* option : add_finder_options(*merge, merging->finder))
    if (option->get_group() == "OPTIONS" || option->get_group() == "Options")
      option->group("Finding");
  merge->footer(
      "  etalon analyse merge run.h5 --cell 79.1,79.1,37.9,90,90,90 --point-group 422 -o run.csv");
}

}  // namespace etalon::cli
