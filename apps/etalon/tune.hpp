// etalon tune: what was asked, what was tried, and how it is told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyse/trial.hpp"
#include "crystal_options.hpp"
#include "finder_options.hpp"
#include "keep.hpp"
#include "reduce_input.hpp"

namespace etalon::cli {

struct TuneOptions {
  ArrayInput input;
  FinderOptions finder;
  CrystalScienceOptions crystals;
  std::string target, keep = "peaks>=0.999,peaks_invented<=0.05", predicted;
  std::vector<std::string> bounds, regions;
  std::uint64_t sample = 100;
  unsigned threads = 0;
  bool json = false;
};

struct Tried {
  TrialOutcome outcome;
  std::vector<Broken> broken;  // of what must be kept

  // Whether the only harm is that weak_bias is not shown to hold: the bias itself would, its
  // interval is too wide. More frames decide.
  bool undecided() const;
};

struct Tuning {
  std::uint64_t frames = 0, sampled = 0;  // of the series
  double target_ratio = 0;                // 0: none
  Condition keep;
  std::vector<Tried> tried;
  std::optional<std::size_t> best;  // of tried: the greatest ratio that keeps the science

  bool met() const { return best && tried[*best].outcome.ratio() >= target_ratio; }
};

// "abs:2 dithered, peaks lossless"
std::string describe(const TrialSetting& setting);
// Commands that reduce the series so, and the tables of a recipe; nothing where a recipe cannot say
// it.
std::vector<std::string> commands_of(const TuneOptions& options, const TrialSetting& setting);
std::optional<std::string> recipe_of(const TuneOptions& options, const TrialSetting& setting);

Result<void> print_tuning(const TuneOptions& options, const Tuning& tuning);

}  // namespace etalon::cli
