#include "analyse_crystals.hpp"

#include <algorithm>

#include "crystal_options.hpp"
#include "crystal_report.hpp"
#include "finder_options.hpp"
#include "reduce_input.hpp"
#include "store/file.hpp"

namespace etalon::cli {
namespace {

using Options = CrystalCommand;

// Frames of different files are different crystals, also where they have the same numbers.
constexpr std::uint64_t files_apart = std::uint64_t{1} << 40;

bool is_csv(const std::string& path) { return path.ends_with(".csv"); }

Result<void> write_text(const Options& options, const std::string& text) {
  ETALON_ASSIGN(OutputFile file, OutputFile::create(options.output, options.overwrite));
  ETALON_TRY(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

Result<void> look_at_file(const Options& options, std::size_t file, CrystalFindings& all) {
  const std::string& name = options.files[file];
  ETALON_ASSIGN(const CrystalSetup setup, set_up_crystals(options, file));
  begin_file(setup, all);
  Progress progress("indexing", setup.series->info().frames, "frames");
  CrystalSeries how;
  how.finder = setup.finder;
  how.crystals = setup.crystals;
  how.min_peaks = setup.min_peaks;
  how.threads = options.threads;
  how.progress = [&](std::uint64_t done) { progress.update(done); };
  how.stop = &interrupted;
  const auto take = [&](StillResult still) -> Result<void> {
    note_still(still, file, setup, all);
    return {};
  };
  auto done = index_series(*setup.series, setup.view.geometry, setup.view.mask, how, take);
  if (!done.ok() && done.error().code == Errc::usage) return std::move(done).error().in(name);
  return done;
}

Result<CrystalFindings> look_at_all(const Options& options) {
  ETALON_TRY(check_crystals(options));
  CrystalFindings all;
  all.tally.files = options.files;
  all.tally.truth = !options.truths.empty();
  for (std::size_t i = 0; i < options.files.size(); ++i) ETALON_TRY(look_at_file(options, i, all));
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
  ETALON_ASSIGN(const CrystalFindings all, look_at_all(options));
  return report_index(options, all.tally);
}

Result<void> run_merge(const Options& options) {
  ETALON_ASSIGN(const CrystalFindings all, look_at_all(options));
  return report_merge(options, all);
}

Command* declare(Command& analyse, const char* name, const char* summary, Options& options) {
  Command* command = analyse.add_subcommand(name, summary);
  options.verb = std::string("analyse ") + name;
  command->add_option("FILE", options.files, "Series: HDF5 (NXmx), CBF, TIFF, .npy")->required();
  add_crystal_options(*command, options.crystal);
  command
      ->add_option("--truth", options.truths,
                   "Simulated series whose truth judges the result: one for each FILE")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_flag("-f,--force", options.overwrite, "Overwrite the output");
  command->add_flag("--json", options.json, "Print JSON");
  command->add_option("--dataset", options.dataset, "Image dataset, where a file has several")
      ->type_name("/PATH")
      ->default_str("");
  return command;
}

void run_with(Cli& cli, Command& command, const std::shared_ptr<Options>& options,
              Result<void> (*run)(const Options&)) {
  command.callback([&cli, options, run] { cli.chosen = [options, run] { return run(*options); }; });
  command.add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
}

}  // namespace

void begin_file(const CrystalSetup& setup, CrystalFindings& all) {
  if (setup.truth && !all.known)
    all.known = setup.truth->known(setup.crystals.indexing.point_group);
  all.indexing = setup.crystals.indexing;
}

void note_still(const StillResult& still, std::size_t file, const CrystalSetup& setup,
                CrystalFindings& all) {
  const std::optional<CrystalTruth>& truth = setup.truth;
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
      found.off_deg =
          misorientation_deg(*true_matrix, lattice.a_matrix, setup.crystals.indexing.point_group);
  }
  tally.indexed += !still.crystals.lattices.empty();
  for (const auto& observations : still.crystals.observations)
    all.observations.push_back({still.frame + file * files_apart, observations});
  if (still.peaks < setup.min_peaks) return;
  ++tally.hits;
  tally.milliseconds.push_back(still.indexing_ms);
  tally.true_crystals += true_matrix != nullptr;
}

Result<CrystalSetup> set_up_crystals(const CrystalCommand& options, std::size_t file) {
  const std::string& name = options.files[file];
  CrystalSetup setup;
  setup.min_peaks = options.finder.min_peaks;
  ETALON_ASSIGN(setup.finder, finder_settings(options.verb, options.finder));
  if (!options.truths.empty()) {
    ETALON_ASSIGN(setup.truth, read_crystal_truth(options.truths[file]));
  }
  const std::optional<CrystalTruth>& truth = setup.truth;
  ETALON_ASSIGN(setup.crystals,
                crystal_settings(options.verb, options.crystal, options.finder.gain, truth));
  setup.crystals.integrate = options.merges;
  ETALON_ASSIGN(OpenOptions open, open_options({name, options.dataset, "", ""}));
  open.any_mask = !options.finder.mask.empty();
  ETALON_ASSIGN(setup.series, open_series(name, open));
  const SeriesReader& series = *setup.series;
  if (truth) {
    std::uint64_t frames = series.info().frames;  // of the series that it was taken from
    for (std::uint64_t i = 0; series.has_source_numbers() && i < series.info().frames; ++i)
      frames = std::max(frames, series.source_number(i) + 1);
    if (!series.has_source_numbers() || frames > truth->a_matrices.size())
      ETALON_TRY(truth->fits(frames, name));
  }
  ETALON_ASSIGN(setup.view, finder_view(options.verb, name, series.info(), options.finder));
  return setup;
}

Result<void> check_crystals(const CrystalCommand& options) {
  if (!options.truths.empty() && options.truths.size() != options.files.size())
    return Error{Errc::usage, options.verb + ": --truth: as many as there are series"};
  if (options.output.empty()) return {};
  if (!is_csv(options.output) && !options.output.ends_with(".json"))
    return Error{Errc::usage, "-o " + options.output + ": written are .csv and .json"};
  for (const std::string& file : options.files) ETALON_TRY(refuse_same_file(file, options.output));
  return {};
}

Result<void> report_index(const CrystalCommand& options, const CrystalTally& tally,
                          const JobReport& job) {
  nlohmann::json report = report_of(options, tally);
  if (!options.output.empty()) {
    if (is_csv(options.output)) {
      ETALON_TRY(write_text(options, crystals_csv(tally)));
    } else {
      nlohmann::json whole = report;
      whole["lattices"] = crystals_json(tally);
      ETALON_TRY(write_text(options, whole.dump(1) + "\n"));
    }
  }
  job.add_to(report);
  return print(options.json ? report.dump(2) + "\n" : index_text(tally) + job.text);
}

Result<void> report_merge(const CrystalCommand& options, const CrystalFindings& all,
                          const JobReport& job) {
  const KnownIntensities* const known = all.known ? &*all.known : nullptr;
  const Merged merged = merge(all.observations, all.indexing, options.merging, known);
  nlohmann::json report = report_of(options, all.tally);
  report["merged"] = merge_json(merged);
  if (!options.output.empty())
    ETALON_TRY(write_text(
        options, is_csv(options.output) ? reflections_csv(merged, known) : report.dump(1) + "\n"));
  job.add_to(report);
  if (options.json) return print(report.dump(2) + "\n");
  return print(index_text(all.tally) + merge_text(merged, known != nullptr) + job.text);
}

Command* declare_index(Command& analyse, CrystalCommand& options) {
  Command* index =
      declare(analyse, "index",
              "Orientations of crystals of a known cell, from the peaks of stills", options);
  index
      ->add_option("-o,--output", options.output,
                   "One line a crystal (.csv), or the report and all indexed peaks (.json)")
      ->type_name("FILE")
      ->default_str("");
  for (Option* option : add_finder_options(*index, options.finder))
    if (option->get_group() == "OPTIONS" || option->get_group() == "Options")
      option->group("Finding");
  index->footer(
      "  etalon analyse index run.h5 --cell 79.1,79.1,37.9,90,90,90 --point-group 422 -o run.csv");
  return index;
}

Command* declare_merge(Command& analyse, CrystalCommand& options) {
  options.merges = true;
  Command* merge =
      declare(analyse, "merge",
              "Index and integrate stills, merge them, and say how good the result is", options);
  merge
      ->add_option("-o,--output", options.output,
                   "Merged reflections (.csv), or the report (.json)")
      ->type_name("FILE")
      ->default_str("");
  add_integration_options(*merge, options.crystal);
  merge->add_option("--scaling", options.merging.scaling_rounds,
                    "Rounds of scaling of the crystals; 0: all count alike");
  merge
      ->add_option("--min-observations", options.merging.min_observations,
                   "Of a reflection that is judged")
      ->range(2, 1000000);
  merge->add_option("--shells", options.merging.shells, "Shells of resolution, of equal volume")
      ->range(1, 1000);
  for (Option* option : add_finder_options(*merge, options.finder))
    if (option->get_group() == "OPTIONS" || option->get_group() == "Options")
      option->group("Finding");
  merge->footer(
      "  etalon analyse merge run.h5 --cell 79.1,79.1,37.9,90,90,90 --point-group 422 -o run.csv");
  return merge;
}

void add_analyse_crystals(Cli& cli, Command& analyse) {
  auto options = std::make_shared<CrystalCommand>();
  run_with(cli, *declare_index(analyse, *options), options, run_index);
  auto merging = std::make_shared<CrystalCommand>();
  run_with(cli, *declare_merge(analyse, *merging), merging, run_merge);
}

}  // namespace etalon::cli
