// analyse powder and analyse hits, in steps that a job of many processes goes through, too.
#pragma once

#include <string>
#include <vector>

#include "analyse/hits.hpp"
#include "analyse/powder.hpp"
#include "analyse_job.hpp"
#include "cli.hpp"

namespace etalon::cli {

struct PowderOptions {
  std::vector<std::string> files;
  std::string output, dataset;
  std::uint32_t min_peaks = 15;
  unsigned threads = 1;
  bool overwrite = false, json = false;
};

// Declare the commands and their options. `options` must outlive them.
Command* declare_hits(Command& analyse, PowderOptions& options);
Command* declare_powder(Command& analyse, PowderOptions& options);

Result<void> report_hits(const PowderOptions& options, const HitStatistics& hits,
                         const JobReport& job = {});

// Errc::usage for an output that cannot be.
Result<void> check_powder(const PowderOptions& options);
// Adds what another file shows; errors name it.
Result<void> add_powder(std::optional<Powder>& all, Powder more, const std::string& file);
// Adds the hits where the files store peaks, writes the output and prints.
Result<void> report_powder(const PowderOptions& options, const Powder& powder,
                           const JobReport& job = {});

void add_analyse_hits(Cli& cli, Command& analyse);
void add_analyse_powder(Cli& cli, Command& analyse);

}  // namespace etalon::cli
