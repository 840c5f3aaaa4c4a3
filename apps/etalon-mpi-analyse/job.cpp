#include "job.hpp"

#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "base/text.hpp"
#include "cli.hpp"

namespace etalon::mpi {

Result<void> Job::agree(const Result<void>& mine) {
  if (ranks_.failed()) return mine;
  if (!mine.ok() && mine.error().code == Errc::interrupted) end_interrupted();
  MPI_Request all_here = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &all_here);
  const auto waited = wait_until([&] {
    int here = 0;
    MPI_Test(&all_here, &here, MPI_STATUS_IGNORE);
    return here != 0;
  });
  if (!waited.ok()) end_interrupted();
  return ranks_.agree(mine);
}

// A rank that is told to end does not ask the others: one of them may be what is gone.
void Job::end_interrupted() {
  const auto saved = save();
  if (!saved.ok()) std::fprintf(stderr, "etalon-mpi: %s\n", saved.error().message.c_str());
  if (ranks_.first()) {
    const bool kept = checkpoint_.used() && frames_ > 0;
    std::fprintf(stderr, "etalon-mpi: interrupted, or another rank has ended%s\n",
                 kept ? ": the same command goes on from its checkpoint" : "");
  }
  std::_Exit(exit_code(Errc::interrupted));
}

void Job::tell_of_resumption() const {
  if (resumed_frames_ > 0)
    cli::note("etalon-mpi: " + options_.checkpoint + ": resumed at frame " +
              std::to_string(resumed_frames_) + " of " + std::to_string(frames_));
}

// Rank 0: the ranges that no checkpoint has.
Result<std::vector<std::uint64_t>> Job::still_open(const Plan& plan, Findings& earlier) {
  std::vector<std::uint64_t> all(ranges_.size()), open;
  std::iota(all.begin(), all.end(), 0);
  if (!checkpoint_.used()) return all;
  ETALON_ASSIGN(const auto done, checkpoint_.load(plan.about, ranges_, earlier));
  for (const std::uint64_t range : done) resumed_frames_ += ranges_[range].frames();
  tell_of_resumption();
  std::ranges::set_difference(all, done, std::back_inserter(open));
  return open;
}

Result<std::unique_ptr<Findings>> Job::run(Plan plan, const MakeFindings& make) {
  const std::string counts =
      ranks_.from_first(std::string(text_of(std::as_bytes(std::span(plan.frames)))));
  plan.frames.resize(counts.size() / sizeof(std::uint64_t));
  std::copy_n(bytes_of(counts).data(), counts.size(),
              std::as_writable_bytes(std::span(plan.frames)).data());
  ranges_ = cut_into_ranges(plan.frames);
  frames_ = std::reduce(plan.frames.begin(), plan.frames.end());
  found_ = make();
  const auto earlier = make();
  Result<std::vector<std::uint64_t>> open(std::vector<std::uint64_t>{});
  if (first()) open = still_open(plan, *earlier);
  ETALON_TRY(agree(open));
  checkpoint_.begin(plan.about);
  times_.preparing = clock_.seconds();

  HandOut hand_out(ranks_, *open);
  auto went = work(hand_out);
  if (went.ok() || went.error().code != Errc::interrupted) {
    auto left = hand_out.leave(!went.ok());
    if (!left.ok()) went = std::move(left);
  }
  if (auto agreed = agree(went); !agreed.ok()) {
    if (auto saved = save(); !saved.ok()) cli::note("etalon-mpi: " + saved.error().message);
    return std::move(agreed).error();
  }
  auto together = gather();
  if (together.ok() && first() && resumed_frames_ > 0) {
    std::vector<std::uint64_t> all(ranges_.size()), before;
    std::iota(all.begin(), all.end(), 0);
    std::ranges::set_difference(all, *open, std::back_inserter(before));
    together = found_->merge(before, resumed_frames_, earlier->pack(before));
  }
  ETALON_TRY(agree(together));
  gather_times();
  return std::move(found_);
}

Result<void> Job::work(HandOut& hand_out) {
  Steps steps(hand_out, times_);
  double last_save = clock_.seconds();
  for (;;) {
    ETALON_ASSIGN(const auto range, hand_out.next());
    if (!range) return {};
    ETALON_TRY(look_at(*range, steps));
    if (checkpoint_.used() && clock_.seconds() - last_save >= options_.every_s) {
      ETALON_TRY(save());
      last_save = clock_.seconds();
    }
    if (cli::interrupted) return told_to_end();
  }
}

Result<void> Job::look_at(std::uint64_t number, Steps& steps) {
  const FrameRange& range = ranges_[number];
  const double start = clock_.seconds(), reading = times_.reading;
  auto looked = found_->look_at(number, range, steps);
  times_.computing += clock_.seconds() - start - (times_.reading - reading);
  if (!looked.ok()) {
    spoiled_ = found_->adds_up();
    return looked;
  }
  times_.frames += range.frames();
  done_.push_back(number);
  return {};
}

// What is not on the disk yet; all of it where findings add up.
Result<void> Job::save() {
  if (!checkpoint_.used() || spoiled_ || saved_ == done_.size() || !found_) return {};
  const Stopwatch saving(times_.saving);
  const std::size_t from = found_->adds_up() ? 0 : saved_;
  ETALON_TRY(
      checkpoint_.save({done_.begin() + static_cast<std::ptrdiff_t>(from), done_.end()}, *found_));
  saved_ = done_.size();
  return {};
}

}  // namespace etalon::mpi
