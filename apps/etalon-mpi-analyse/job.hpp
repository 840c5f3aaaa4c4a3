// An analysis as one job of all ranks: ranges of frames are handed out, what was found in them is
// brought together at rank 0.
#pragma once

#include <string>
#include <vector>

#include "analyse_job.hpp"
#include "checkpoint.hpp"
#include "findings.hpp"
#include "ranks.hpp"
#include "times.hpp"

namespace etalon::mpi {

struct JobOptions {
  std::string checkpoint;  // folder; empty: none
  double every_s = 60;
};

// What there is to do, as rank 0 sees it.
struct Plan {
  std::vector<std::uint64_t> frames = {};  // of each series
  std::string about = {};                  // about.hpp
};

class Job {
 public:
  Job(const Ranks& ranks, JobOptions options)
      : ranks_(ranks), options_(std::move(options)), checkpoint_(ranks, options_.checkpoint) {}

  const Ranks& ranks() const { return ranks_; }
  bool first() const { return ranks_.first(); }
  // Collective: as Ranks::agree(), but a rank that waits for others hears of signals.
  Result<void> agree(const Result<void>& mine);
  template <typename T>
  Result<void> agree(const Result<T>& mine) {
    return agree(mine.ok() ? Result<void>() : Result<void>(mine.error()));
  }

  // Collective: on rank 0 what was found in all ranges, on the others nothing of use. `plan` is
  // rank 0's.
  Result<std::unique_ptr<Findings>> run(Plan plan, const MakeFindings& make);
  const std::vector<FrameRange>& ranges() const { return ranges_; }

  // In place of run(), for an analysis that all ranks go through together, each with some of its
  // parts. Collective, all of these. Where to go on from, rank 0's `plan` being of one series:
  Result<Generation> begin_together(const Plan& plan, std::size_t parts,
                                    const FramesOfParts& frames);
  bool is_to_be_saved();
  Result<void> save_together(std::vector<std::uint64_t> parts, ByteSpan packed);
  void end_together() { gather_times(); }
  bool has_checkpoint() const { return checkpoint_.used(); }
  std::uint64_t frames() const { return frames_; }
  Times& times() { return times_; }

  // Rank 0, after run(): how fast it was, and who waited for whom.
  cli::JobReport report() const;
  // Rank 0, when all is written.
  void complete() { checkpoint_.remove(); }

 private:
  Result<std::vector<std::uint64_t>> still_open(const Plan& plan, Findings& earlier);
  Result<void> work(HandOut& hand_out);
  Result<void> look_at(std::uint64_t number, Steps& steps);
  Result<void> save();
  Result<void> gather();
  Result<void> receive_from(int rank);
  Result<void> send_to(int rank);
  void gather_times();
  void tell_of_resumption() const;
  [[noreturn]] void end_interrupted();

  const Ranks& ranks_;
  const JobOptions options_;
  Checkpoint checkpoint_;
  Clock clock_;
  Times times_;
  std::vector<Times> all_times_;  // rank 0
  std::vector<FrameRange> ranges_;
  std::unique_ptr<Findings> found_;
  std::vector<std::uint64_t> done_;  // ranges in found_, in the order they were done
  std::size_t saved_ = 0;            // of these
  bool spoiled_ = false;             // a range that failed is half in what adds up
  double last_save_ = 0;
  std::uint64_t frames_ = 0, resumed_frames_ = 0;
};

}  // namespace etalon::mpi
