// `etalon analyse correlation`: photon correlation spectroscopy of a series, in steps that a job of
// many processes goes through, too.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "analyse/photon_correlation.hpp"
#include "analyse_job.hpp"
#include "cli.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {

struct CorrelationCommand {
  std::string file, output, two_time, plot, dataset;
  double q_min = 0, q_max = 0, frame_time_s = 0;
  std::size_t rings = 8, channels = 16, most_frames = 4096;
  unsigned threads = 0;
  bool overwrite = false, json = false;
};

// Declares the command and its options. `options` must outlive it.
Command* declare_correlation(Command& analyse, CorrelationCommand& options);

// Errc::usage for outputs that cannot be.
Result<void> check_correlation(const CorrelationCommand& options);

struct CorrelationSetup {
  std::unique_ptr<SeriesReader> reader;
  double frame_time_s = 0;
  QRings rings;

  std::uint64_t frames() const { return reader->info().frames; }
};
Result<CorrelationSetup> set_up_correlation(const CorrelationCommand& options);
// What frame i counts in the rings. Errc::malformed where frames are missing before it.
Result<RingCounts> read_counts(const CorrelationCommand& options, const CorrelationSetup& setup,
                               std::uint64_t i);

// The two-time correlation of a ring.
using TwoTimeMatrix = std::function<Result<Array>(std::size_t ring)>;
// Writes the outputs and prints. `matrix` is asked for where options.two_time names a file, ring by
// ring, and once more for the first one's plot.
Result<void> report_correlation(const CorrelationCommand& options, const CorrelationSetup& setup,
                                const MultiTau& curves, const TwoTimeMatrix& matrix,
                                const JobReport& job = {});

void add_analyse_correlation(Command& analyse, Cli& cli);

}  // namespace etalon::cli
