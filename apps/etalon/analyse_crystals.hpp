// analyse index and analyse merge, in steps that a job of many processes goes through, too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyse/crystal_series.hpp"
#include "analyse_job.hpp"
#include "cli.hpp"
#include "crystal_options.hpp"
#include "crystal_report.hpp"
#include "finder_options.hpp"

namespace etalon::cli {

struct CrystalCommand {
  std::string verb;
  std::vector<std::string> files, truths;
  std::string output, dataset;
  FinderOptions finder;
  CrystalOptions crystal;
  MergeSettings merging;
  unsigned threads = 0;
  bool overwrite = false, json = false, merges = false;
};

// Declare analyse index and analyse merge. `options` must outlive them.
Command* declare_index(Command& analyse, CrystalCommand& options);
Command* declare_merge(Command& analyse, CrystalCommand& options);

// Errc::usage for an output that cannot be, and where truths and series are not as many.
Result<void> check_crystals(const CrystalCommand& options);

// What is needed to look at the stills of one file.
struct CrystalSetup {
  FinderSettings finder;
  CrystalSettings crystals;
  std::optional<CrystalTruth> truth;
  std::unique_ptr<SeriesReader> series;
  FinderView view;
  std::uint32_t min_peaks = 0;
};
Result<CrystalSetup> set_up_crystals(const CrystalCommand& options, std::size_t file);

struct CrystalFindings {
  CrystalTally tally;
  std::vector<CrystalObservations> observations;
  IndexingSettings indexing;
  std::optional<KnownIntensities> known;
};
// Before the first still of a file.
void begin_file(const CrystalSetup& setup, CrystalFindings& all);
// Stills come file by file, in their order.
void note_still(const StillResult& still, std::size_t file, const CrystalSetup& setup,
                CrystalFindings& all);

// Write the output and print.
Result<void> report_index(const CrystalCommand& options, const CrystalTally& tally,
                          const JobReport& job = {});
Result<void> report_merge(const CrystalCommand& options, const CrystalFindings& all,
                          const JobReport& job = {});

void add_analyse_crystals(Cli& cli, Command& analyse);

}  // namespace etalon::cli
