#include "tune.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "commands.hpp"
#include "verify_science.hpp"

namespace etalon::cli {
namespace {

// Bounds from the tightest to the loosest, under the same regions and dither.
using Family = std::vector<TrialSetting>;

// A family is left after so many of its bounds in a row broke what must be kept: looser ones break
// more.
constexpr int patience = 2;

Result<double> target_of(const std::string& text) {
  if (text.empty()) return 0.0;
  std::string spelled = text;
  if (const auto equals = spelled.find('='); equals != std::string::npos) spelled[equals] = ':';
  const auto target = parse_target(spelled);
  if (!target.ok() || target->kind != Target::Kind::ratio)
    return Error{Errc::usage, "--target '" + text + "': expected ratio=X, X above 0"};
  return target->value;
}

Result<std::vector<Bound>> bounds_of(const TuneOptions& options, DType dtype) {
  std::vector<Bound> bounds;
  for (const std::string& text : options.bounds) {
    ETALON_ASSIGN(const Bound bound, parse_bound(text));
    if (bound.kind == Bound::Kind::rel && !(bound.low < bound.high))
      return Error{Errc::usage, "--bound " + text + ": needs its range: rel:R,range=A..B"};
    bounds.push_back(bound);
  }
  if (!bounds.empty()) return bounds;
  bounds.push_back(Bound::lossless());
  for (const double photons : {1, 2, 3, 4, 6, 8, 12, 16}) {
    const double units = photons * options.finder.gain;
    const double value = is_float(dtype) ? units : std::floor(units);
    if (value > 0 && !(bounds.back() == Bound::abs(value))) bounds.push_back(Bound::abs(value));
  }
  for (const double sigmas : {0.5, 1.0, 2.0})
    bounds.push_back(Bound::sigma(sigmas, options.finder.gain));
  return bounds;
}

// Each kind of bound, with and without dither where there is one, with and without peaks.
std::vector<Family> families_of(const std::vector<Bound>& bounds, DType dtype) {
  std::vector<Family> families;
  Family lossless;
  for (const Bound& bound : bounds)
    if (bound == Bound::lossless()) lossless.push_back({bound});
  if (!lossless.empty()) families.push_back(lossless);
  const bool dithers = dtype != DType::u64 && dtype != DType::i64;
  for (const auto kind :
       {Bound::Kind::abs, Bound::Kind::rel, Bound::Kind::sigma, Bound::Kind::pwrel})
    for (const bool dither : {true, false})
      for (const bool peaks : {true, false}) {
        if (dither && (!dithers || kind == Bound::Kind::sigma || kind == Bound::Kind::pwrel))
          continue;
        Family family;
        for (const Bound& bound : bounds)
          if (bound.kind == kind) family.push_back({bound, dither, peaks});
        std::stable_sort(family.begin(), family.end(), [](const auto& a, const auto& b) {
          return a.bound.value < b.bound.value;
        });
        if (!family.empty()) families.push_back(std::move(family));
      }
  return families;
}

Result<void> try_family(Trials& trials, const Family& family, Tuning& tuning) {
  int broken_in_a_row = 0;
  for (const TrialSetting& setting : family) {
    if (broken_in_a_row == patience) break;
    Progress progress(describe(setting), tuning.sampled, "frames");
    ETALON_ASSIGN(TrialOutcome outcome,
                  trials.run(setting, [&](std::uint64_t done) { progress.update(done); }));
    std::vector<Broken> failed = broken(tuning.keep, outcome.report.metrics());
    broken_in_a_row = failed.empty() ? 0 : broken_in_a_row + 1;
    tuning.tried.push_back({std::move(outcome), std::move(failed)});
    const Tried& last = tuning.tried.back();
    if (last.broken.empty() &&
        (!tuning.best || last.outcome.ratio() > tuning.tried[*tuning.best].outcome.ratio()))
      tuning.best = tuning.tried.size() - 1;
  }
  return {};
}

// Settings that would do, were there more spots to show it with.
void note_undecided(const Tuning& tuning) {
  const Tried* best = nullptr;
  for (const Tried& tried : tuning.tried)
    if (tried.undecided() && (best == nullptr || tried.outcome.ratio() > best->outcome.ratio()))
      best = &tried;
  if (best == nullptr ||
      (tuning.best && tuning.tried[*tuning.best].outcome.ratio() >= best->outcome.ratio()))
    return;
  char text[200];
  std::snprintf(
      text, sizeof text,
      " (ratio %.2f): weak_bias would hold, and %llu spots are too few"
      " to show it; %s",
      best->outcome.ratio(),
      static_cast<unsigned long long>(best->outcome.report.weak.differences.n()),
      tuning.sampled < tuning.frames ? "--sample 0 takes all frames" : "a longer series would");
  note(describe(best->outcome.setting) + text);
}

// What stands in the way, for the last line.
Error not_found(const TuneOptions& options, const Tuning& tuning) {
  if (!tuning.best) {
    const Tried& first = tuning.tried.front();
    std::string why;
    for (const Broken& b : first.broken) why += (why.empty() ? "" : "; ") + b.text();
    return {Errc::check, options.input.path + ": no settings keep the science; with " +
                             describe(first.outcome.setting) + ": " + why};
  }
  const TrialOutcome& best = tuning.tried[*tuning.best].outcome;
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, " reaches %.2f", best.ratio());
  char target[40];
  std::snprintf(target, sizeof target, "%g", tuning.target_ratio);
  return {Errc::check, options.input.path + ": no settings keep the science at a ratio of " +
                           target + "; what keeps it best, " + describe(best.setting) + "," +
                           numbers};
}

Result<void> run(const TuneOptions& options) {
  Tuning tuning;
  ETALON_ASSIGN(tuning.target_ratio, target_of(options.target));
  ETALON_ASSIGN(const FinderSettings finder, finder_settings("tune", options.finder));
  const Judged judged{!options.predicted.empty(), options.crystals.given(),
                      !options.crystals.truth.empty()};
  ETALON_ASSIGN(tuning.keep, parse_keep(options.keep, judged));
  for (const std::string& bound : options.bounds) ETALON_TRY(parse_bound(bound));
  for (const std::string& region : options.regions) ETALON_TRY(parse_region(region));
  if (options.input.path == "-")
    return Error{Errc::usage, "tune: reads its frames more than once: it needs a name, not -"};
  ETALON_ASSIGN(auto crystals, crystal_science("tune", options.crystals, options.finder.gain));
  std::optional<PlaceTable> places;
  if (!options.predicted.empty()) {
    ETALON_ASSIGN(places, PlaceTable::read(options.predicted));
  }
  ETALON_ASSIGN(OpenOptions how, open_options(options.input));
  how.any_mask = !options.finder.mask.empty();
  ETALON_ASSIGN(const auto series, open_series(options.input.path, how));
  const SeriesInfo& info = series->info();
  if (info.frames == 0)
    return Error{Errc::usage, options.input.path + ": holds no frames to tune on"};
  ETALON_ASSIGN(const FinderView seen,
                finder_view("tune", options.input.path, info, options.finder));
  ETALON_ASSIGN(
      const RegionSet regions,
      RegionSet::create(options.regions, {info.frames, info.geometry.ny, info.geometry.nx}));
  ETALON_ASSIGN(const std::vector<Bound> bounds, bounds_of(options, info.dtype));

  TrialSample sample;
  sample.frames = spread_frames(info.frames, options.sample);
  sample.geometry = seen.geometry;
  sample.mask = seen.mask;
  sample.settings = {finder, options.finder.min_peaks, options.finder.gain, std::move(crystals)};
  sample.predicted = places ? &*places : nullptr;
  if (!options.regions.empty())
    sample.regions = [&](std::uint64_t frame, const ArrayView& image) {
      return regions.of_image(frame, image, seen.mask);
    };
  sample.threads = options.threads;
  sample.stop = &interrupted;
  tuning.frames = info.frames;
  tuning.sampled = sample.frames.size();
  ETALON_ASSIGN(Trials trials, Trials::create(*series, std::move(sample)));
  for (const Family& family : families_of(bounds, info.dtype))
    ETALON_TRY(try_family(trials, family, tuning));
  ETALON_TRY(print_tuning(options, tuning));
  note_undecided(tuning);
  if (!tuning.met()) return not_found(options, tuning);
  return {};
}

}  // namespace

void add_tune(Cli& cli) {
  auto options = std::make_shared<TuneOptions>();
  Command* command = add_command(
      cli, "tune", "Find the settings with the greatest ratio that keep the science", options, run);
  command
      ->add_option("input", options->input.path,
                   "Series: HDF5 (NXmx), CBF, TIFF, .npy, raw, a folder")
      ->required()
      ->type_name("FILE")
      ->default_str("");
  command->add_option("--target", options->target, "What must be reached: ratio=X")
      ->type_name("ratio=X")
      ->default_str("");
  command
      ->add_option("--keep", options->keep,
                   std::string("What must hold: comparisons with numbers, joined by commas, of\n") +
                       keep_names)
      ->type_name("CONDITION");
  command
      ->add_option("--predicted", options->predicted,
                   "Places of weak spots: CSV with the columns frame, x and y; or a\n"
                   "simulated series")
      ->type_name("FILE")
      ->default_str("");
  command
      ->add_option("--bound", options->bounds,
                   "Bound to try, may be repeated; by default lossless, abs of 1 to 16\n"
                   "photons and sigma of 0.5 to 2")
      ->allow_extra_args(false);
  command
      ->add_option("--region", options->regions,
                   "Region with a bound of its own in every trial, as compress")
      ->allow_extra_args(false);
  command->add_option("--sample", options->sample, "Frames to try on, at equal distances (0: all)")
      ->not_negative();
  add_finder_options(*command, options->finder);
  add_crystal_science_options(*command, options->crystals);
  command->add_option("--dataset", options->input.dataset, "Images in an HDF5 file")
      ->type_name("/PATH")
      ->default_str("");
  command->add_option("--dtype", options->input.dtype, "Raw files: element type, such as u16")
      ->default_str("");
  command->add_option("--shape", options->input.shape, "Raw files: frames,rows,columns")
      ->default_str("");
  command->add_option("-T,--threads", options->threads, "Threads (0: one per core)")
      ->range(0, 1024);
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      "Tries bounds, with and without dither, with and without the found peaks as lossless\n"
      "regions (half 4), encodes and decodes the sample with each, and judges it as\n"
      "verify --science does. A kind of setting is left when two bounds in a row break what\n"
      "must be kept. Exit code 4 when no settings keep the science and reach the target.\n\n"
      "  etalon tune sim.h5 --target ratio=20 --predicted sim.h5 \\\n"
      "              --keep \"peaks>=0.999,weak_bias<=0.02\"\n"
      "  etalon tune sim.h5 --truth sim.h5 --point-group 422 --sample 0 \\\n"
      "              --keep \"indexed>=0.99,cc_half_change>=-0.01\"");
}

}  // namespace etalon::cli
