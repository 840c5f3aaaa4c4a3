#include <thread>

#include "bundle_command.hpp"
#include "commands.hpp"
#include "keep.hpp"
#include "store/file.hpp"
#include "store/inspect_file.hpp"
#include "verify_report.hpp"
#include "verify_salvage.hpp"
#include "verify_sources.hpp"

namespace etalon::cli {
namespace {

struct Options {
  ArrayInput original;
  std::string reduced, reduced_dataset, bound;
  std::vector<std::string> regions;
  std::string salvage;  // where what is left goes
  bool json = false, science = false, overwrite = false;
  ScienceOptions judge;
  StatisticsOptions statistics;

  // Whether the reduction is held to what it says of itself.
  bool own() const { return bound.empty() && regions.empty(); }
};

// Gives the range of what is verified against, when a bound asks for it.
using RangeOf = std::function<Result<ValueRange>()>;

Result<Demand> demand_of(const Options& options, const Bound& declared, const Shape& shape,
                         const RangeOf& range_of) {
  Demand demand{declared, {}, {}};
  if (!options.bound.empty()) {
    ETALON_ASSIGN(demand.bound, parse_bound(options.bound));
  }
  ETALON_ASSIGN(demand.regions, RegionSet::create(options.regions, shape));
  ETALON_ASSIGN(demand.good, read_mask(options.original, options.judge.finder.mask, shape));
  CompressOptions background;
  background.bound = demand.bound;
  if (needs_range(background) || demand.regions.need_range()) {
    ETALON_ASSIGN(const ValueRange range, range_of());
    demand.bound = with_ranges(std::move(background), range).bound;
    demand.regions.give_range(range);
  }
  return demand;
}

RangeOf range_of(const Array& original) {
  return [&original]() -> Result<ValueRange> {
    ValueRange range;
    range.add(original.view());
    return range;
  };
}

RangeOf range_of(SeriesReader& original) {
  return [&original]() -> Result<ValueRange> {
    ValueRange range;
    for (std::uint64_t i = 0; i < original.info().frames; ++i) {
      if (interrupted) return Error{Errc::interrupted, "verify: interrupted"};
      ETALON_ASSIGN(const Frame frame, original.read(i));
      range.add(frame.image.view());
    }
    return range;
  };
}

Result<Verdict> verify_series(const Options& options, SeriesReader& original,
                              SeriesReader& stored) {
  Bound declared;
  if (options.bound.empty()) {
    ETALON_ASSIGN(const StreamInfo info, inspect_file(options.reduced, options.reduced_dataset));
    declared = info.bound;
  }
  const Geometry& image = original.info().geometry;
  ETALON_ASSIGN(const Demand demand,
                demand_of(options, declared, {original.info().frames, image.ny, image.nx},
                          range_of(original)));
  Verdict verdict;
  ETALON_ASSIGN(verdict.tally,
                hold_series(original, stored, demand, options.own(), verdict.frames.emplace()));
  if (options.statistics.wanted) {
    ETALON_ASSIGN(verdict.statistics,
                  series_statistics(original, stored, verdict.tally, options.statistics));
  }
  return verdict;
}

// The verdict on an array, with the statistics that were asked for.
Result<Verdict> verdict_on(const Options& options, const Array& original, const BoxReader& reduced,
                           Tally tally) {
  Verdict verdict{std::move(tally), {}, {}, {}};
  if (options.statistics.wanted) {
    ETALON_ASSIGN(verdict.statistics,
                  array_statistics(original.view(), reduced, verdict.tally, options.statistics));
  }
  return verdict;
}

BoxReader boxes_of(const Array& array) {
  return [&array](const Box& box) -> Result<Array> { return cut(array.view(), box); };
}

Result<Verdict> verify_container(const Options& options, const Array& original,
                                 const Bytes& bytes) {
  const auto inside = [&](Error error) { return std::move(error).in(options.reduced); };
  const auto info = inspect(bytes);
  if (!info.ok()) return inside(info.error());
  ETALON_TRY(same_form(options.reduced, info->dtype, info->shape, options.original.path,
                       original.dtype(), original.shape()));
  if (options.own()) {
    auto tally = hold_container(original, bytes);
    if (!tally.ok()) return inside(std::move(tally).error());
    auto verdict = verdict_on(
        options, original, [&](const Box& box) { return decompress_box(bytes, box); },
        std::move(*tally));
    if (!verdict.ok()) return inside(std::move(verdict).error());
    return verdict;
  }
  ETALON_ASSIGN(const Demand demand,
                demand_of(options, info->bound, original.shape(), range_of(original)));
  const auto reduced = decompress(bytes, std::max(1u, std::thread::hardware_concurrency()));
  if (!reduced.ok()) return inside(reduced.error());
  ETALON_ASSIGN(Tally tally, hold_array(original, *reduced, demand));
  return verdict_on(options, original, boxes_of(*reduced), std::move(tally));
}

// --dtype and --shape are for those of the two files that are raw.
ArrayInput input_of(const Options& options, const std::string& path, const std::string& dataset) {
  ArrayInput input{path, dataset, options.original.dtype, options.original.shape};
  const bool both = is_raw(options.original.path) == is_raw(options.reduced);
  if (!both && !is_raw(path)) input.dtype = input.shape = "";
  return input;
}

Result<Verdict> verify_array(const Options& options, const Array& original) {
  const ArrayInput input = input_of(options, options.reduced, options.reduced_dataset);
  ETALON_ASSIGN(const Array reduced, read_input(input));
  ETALON_TRY(same_form(options.reduced, reduced.dtype(), reduced.shape(), options.original.path,
                       original.dtype(), original.shape()));
  Bound declared;
  if (options.bound.empty() && file_kind(options.reduced) == FileKind::hdf5) {
    ETALON_ASSIGN(const StreamInfo info, inspect_file(options.reduced, options.reduced_dataset));
    declared = info.bound;
  }
  ETALON_ASSIGN(const Demand demand,
                demand_of(options, declared, original.shape(), range_of(original)));
  ETALON_ASSIGN(Tally tally, hold_array(original, reduced, demand));
  return verdict_on(options, original, boxes_of(reduced), std::move(tally));
}

Result<Verdict> verdict_of(const Options& options) {
  const ArrayInput input = input_of(options, options.original.path, options.original.dataset);
  ETALON_TRY(open_options({options.reduced, options.reduced_dataset, "", ""}));
  const bool hdf5 = options.reduced != "-" && file_kind(options.reduced) == FileKind::hdf5;
  if (hdf5 && options.original.path != "-") {
    OpenOptions of_stored;
    of_stored.dataset = options.reduced_dataset;
    of_stored.any_mask = true;  // pixels are compared, masked or not
    const auto stored = open_series(options.reduced, of_stored);
    if (stored.ok() && (*stored)->has_source_numbers()) {
      ETALON_ASSIGN(OpenOptions how, open_options(input));
      how.any_mask = true;
      ETALON_ASSIGN(const auto original, open_series(options.original.path, how));
      return verify_series(options, *original, **stored);
    }
  }
  ETALON_ASSIGN(const Array original, read_input(input));
  if (!hdf5) {
    ETALON_ASSIGN(const Bytes bytes, read_file(options.reduced));
    if (is_container(bytes)) return verify_container(options, original, bytes);
  }
  return verify_array(options, original);
}

// What cannot be asked for is said before anything is read.
Result<void> check_science(const Options& options) {
  if (!options.science) return {};
  if (options.original.path == "-" || options.reduced == "-")
    return Error{Errc::usage, "--science reads its files twice: they need names, not -"};
  if (!options.judge.keep.empty())
    ETALON_TRY(parse_keep(options.judge.keep, options.judge.judged()));
  return {};
}

Result<void> run_salvage(const Options& options) {
  if (!options.reduced.empty() || options.science || !options.bound.empty() ||
      !options.regions.empty())
    return Error{Errc::usage,
                 "verify: --salvage takes one container, and neither bounds nor --science"};
  return salvage_file(options.original.path, options.salvage, options.overwrite, options.json);
}

Result<void> run(const Options& options) {
  if (!options.salvage.empty()) return run_salvage(options);
  if (options.reduced.empty())
    return Error{Errc::usage, "verify: reduced is required\nsee etalon verify --help"};
  if (names_bundle(options.reduced)) {
    if (!options.own() || options.science)
      return Error{Errc::usage, "verify: a bundle is held to its own bounds alone"};
    return verify_bundle(options.original, options.reduced, options.json);
  }
  if (!options.bound.empty()) ETALON_TRY(parse_bound(options.bound));
  for (const std::string& region : options.regions) ETALON_TRY(parse_region(region));
  ETALON_TRY(check_science(options));
  ETALON_ASSIGN(Verdict verdict, verdict_of(options));
  if (options.science) {
    ETALON_ASSIGN(
        verdict.science,
        judge_science(input_of(options, options.original.path, options.original.dataset),
                      input_of(options, options.reduced, options.reduced_dataset), options.judge));
  }
  ETALON_TRY(options.json ? print_json(verdict) : print_text(verdict));
  const auto& first = verdict.tally.offender();
  if (!first)
    return verdict.science ? hold_science(*verdict.science, options.reduced) : Result<void>();
  const Measured& region = verdict.tally.regions()[first->region];
  char error[32];
  std::snprintf(error, sizeof error, "%g", first->error);
  return Error{Errc::check, options.reduced + ": element " + first->place() + ": region " +
                                region.kind + ": error " + error + " exceeds " +
                                to_string(region.bound)};
}

}  // namespace

void add_verify(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "verify", "Hold what came out of a reduction against the original, element by element",
      options, run);
  command
      ->add_option("original", options->original.path,
                   "HDF5, .npy, CBF, TIFF or raw file; a folder or a pattern of CBF or TIFF files")
      ->required();
  command->add_option("reduced", options->reduced,
                      "Etalon container, a series that etalon run stored, or an array file");
  command->add_option("--salvage", options->salvage,
                      "The one file named is a damaged container: write here what is whole of it,\n"
                      "lost elements as NaN or 0, and say what is lost (exit code 3)");
  command->add_flag("-f,--force", options->overwrite, "Overwrite what --salvage writes");
  command->add_option("--bound", options->bound,
                      "Bound to hold, as compress takes them; by default each region's own, or "
                      "lossless where the file says none");
  command->add_option("--region", options->regions, "Regions with bounds of their own, as compress")
      ->allow_extra_args(false);
  command->add_option("--dataset", options->original.dataset, "HDF5 dataset of the original");
  command->add_option("--reduced-dataset", options->reduced_dataset, "HDF5 dataset of the reduced");
  command->add_option("--dtype", options->original.dtype, "Element type of raw files");
  command->add_option("--shape", options->original.shape, "Extents of raw files");
  command->add_flag("--json", options->json, "Print JSON");
  add_statistics_options(*command, options->statistics);
  add_science_options(*command, options->judge, options->science);
  command->footer(
      "Frames of a stored series are compared by the number they had in the original; frames that\n"
      "were vetoed or lost are counted as left out. Exit code 4 when a bound does not hold: the\n"
      "message names the region and the place of the first offender; or when --keep does not.\n\n"
      "  etalon verify sim.h5 sim.etalon --science --predicted sim.h5 \\\n"
      "                --keep \"peaks>=0.999,weak_bias<=0.02\"");
}

}  // namespace etalon::cli
