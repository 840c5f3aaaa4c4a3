#include <optional>

#include "analyse_powder.hpp"
#include "commands.hpp"

namespace etalon::mpi {
namespace {

using cli::PowderOptions;

// The stored peaks of a file, and where its pixels are.
struct Stored {
  PeakLists lists;
  Geometry geometry;
  std::uint64_t frames = 0;
};

Result<Stored> open_file(const std::string& file) {
  ETALON_ASSIGN(PeakLists lists, PeakLists::open(file));
  ETALON_ASSIGN(const auto reader, open_series(file));
  const SeriesInfo& info = reader->info();
  if (lists.frames() != info.frames)
    return Error{Errc::malformed, file + ": peaks of " + std::to_string(lists.frames()) +
                                      " frames stored with " + std::to_string(info.frames) +
                                      " frames"};
  return Stored{std::move(lists), info.geometry, info.frames};
}

class HitFindings : public Findings {
 public:
  explicit HitFindings(const PowderOptions& options) : options_(options), all_(options.min_peaks) {}

  bool adds_up() const override { return true; }

  Result<void> look_at(std::uint64_t, const FrameRange& range, Steps& steps) override {
    if (!stored_ || series_ != range.series) {
      ETALON_ASSIGN(stored_, open_file(options_.files[range.series]));
      series_ = range.series;
    }
    steps.begin_frame(true);
    const auto peaks = [&] {
      const Stopwatch reading(steps.reading());
      return stored_->lists.read(range.begin, range.end);
    }();
    if (!peaks.ok()) return peaks.error();
    for (const auto& frame : *peaks) all_.add(frame, stored_->geometry);
    return {};
  }

  Bytes pack(std::span<const std::uint64_t>) override { return all_.pack(); }

  Result<void> merge(std::span<const std::uint64_t> ranges, std::uint64_t frames,
                     ByteSpan packed) override {
    if (ranges.empty()) return {};
    ETALON_ASSIGN(const HitStatistics more, HitStatistics::unpack(packed));
    if (more.frames() != frames || more.min_peaks() != all_.min_peaks())
      return Error{Errc::malformed, "hits of other frames than its ranges have"};
    all_.merge(more);
    return {};
  }

  const HitStatistics& all() const { return all_; }

 private:
  const PowderOptions& options_;
  std::optional<Stored> stored_;
  std::size_t series_ = 0;
  HitStatistics all_;
};

Result<Plan> plan_of(const PowderOptions& options, const cli::Command& command) {
  Plan plan{{}, about_settings(command)};
  for (const std::string& file : options.files) {
    ETALON_ASSIGN(const Stored stored, open_file(file));
    plan.frames.push_back(stored.frames);
    plan.about += about_series(file, stored.frames, {file});
  }
  return plan;
}

Result<void> run(const PowderOptions& options, const cli::Command& command, Job& job) {
  Result<Plan> plan(Plan{});
  if (job.first()) plan = plan_of(options, command);
  ETALON_TRY(job.agree(plan));
  const auto make = [&] { return std::make_unique<HitFindings>(options); };
  ETALON_ASSIGN(const auto found, job.run(std::move(*plan), make));
  if (!job.first()) return {};
  return cli::report_hits(options, dynamic_cast<const HitFindings&>(*found).all(), job.report());
}

}  // namespace

void add_hits(Cli& cli, cli::Command& analyse) {
  add_kind<PowderOptions>(cli, analyse, cli::declare_hits, run);
}

}  // namespace etalon::mpi
