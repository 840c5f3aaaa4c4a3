#include <optional>

#include "analyse_crystals.hpp"
#include "commands.hpp"

namespace etalon::mpi {
namespace {

using cli::CrystalCommand, cli::CrystalSetup;
using Stills = std::vector<StillResult>;

// What is to be remarked on a file was said when rank 0 looked at all of them.
Result<CrystalSetup> set_up_quietly(const CrystalCommand& options, std::size_t series) {
  const bool before = cli::quiet.exchange(true);
  auto setup = cli::set_up_crystals(options, series);
  cli::quiet = before;
  return setup;
}

class Crystals : public FindingsByRange<Stills> {
 public:
  explicit Crystals(const CrystalCommand& options) : options_(options) {}

 protected:
  Result<Stills> find(const FrameRange& range, Steps& steps) override {
    if (!tools_ || series_ != range.series) {
      tools_.reset();
      ETALON_TRY(set_up(range.series));
    }
    const std::string& file = options_.files[range.series];
    Tools& tools = *tools_;
    Stills stills;
    for (std::uint64_t i = range.begin; i < range.end; ++i) {
      if (cli::interrupted) return told_to_end();
      steps.begin_frame(i + 1 == range.end);
      ETALON_ASSIGN(Frame frame, steps.read(*tools.setup.series, i));
      frame.number = tools.setup.series->source_number(i);
      auto still = look_at_still(frame, tools.finder, tools.crystals, tools.setup.min_peaks);
      if (!still.ok())
        return std::move(still).error().in("frame " + std::to_string(frame.number)).in(file);
      stills.push_back(std::move(*still));
    }
    return stills;
  }

  void put(ByteWriter& out, const Stills& found) const override {
    out.put(std::uint64_t{found.size()});
    for (const StillResult& still : found) etalon::pack(still, out);
  }

  Result<Stills> get(ByteReader& in, std::uint64_t) const override {
    ETALON_ASSIGN(const auto count, in.get<std::uint64_t>());
    Stills stills;
    for (std::uint64_t i = 0; i < count; ++i) {
      ETALON_ASSIGN(StillResult still, unpack_still(in));
      stills.push_back(std::move(still));
    }
    return stills;
  }

  std::uint64_t frames_of(const Stills& found) const override { return found.size(); }

 private:
  struct Tools {
    CrystalSetup setup;
    Finder finder;
    CrystalFinder crystals;
  };

  Result<void> set_up(std::size_t series) {
    ETALON_ASSIGN(CrystalSetup setup, set_up_quietly(options_, series));
    const auto [geometry, mask] = setup.view;
    auto crystals = CrystalFinder::create(geometry, mask, setup.crystals);
    if (!crystals.ok()) return std::move(crystals).error().in(options_.files[series]);
    auto finder = Finder::create(geometry, mask, setup.finder);
    if (!finder.ok()) return std::move(finder).error().in(options_.files[series]);
    tools_.emplace(Tools{std::move(setup), std::move(*finder), std::move(*crystals)});
    series_ = series;
    return {};
  }

  const CrystalCommand& options_;
  std::optional<Tools> tools_;
  std::size_t series_ = 0;
};

Result<Plan> plan_of(const CrystalCommand& options, const cli::Command& command) {
  ETALON_TRY(cli::check_crystals(options));
  ETALON_TRY(check_free(options.output, options.overwrite));
  Plan plan{{}, about_settings(command)};
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    ETALON_ASSIGN(const CrystalSetup setup, cli::set_up_crystals(options, i));
    plan.frames.push_back(setup.series->info().frames);
    plan.about += about_series(options.files[i], plan.frames.back(), setup.series->files());
  }
  return plan;
}

// All stills in the order of files and frames.
Result<cli::CrystalFindings> tally_of(const CrystalCommand& options, const Crystals& found,
                                      const std::vector<FrameRange>& ranges) {
  cli::CrystalFindings all;
  all.tally.files = options.files;
  all.tally.truth = !options.truths.empty();
  auto next = found.found().begin();
  for (std::size_t series = 0; series < options.files.size(); ++series) {
    ETALON_ASSIGN(const CrystalSetup setup, set_up_quietly(options, series));
    cli::begin_file(setup, all);
    for (; next != found.found().end() && ranges[next->first].series == series; ++next)
      for (const StillResult& still : next->second) cli::note_still(still, series, setup, all);
  }
  return all;
}

Result<void> run(const CrystalCommand& options, const cli::Command& command, Job& job) {
  Result<Plan> plan(Plan{});
  if (job.first()) plan = plan_of(options, command);
  ETALON_TRY(job.agree(plan));
  const auto make = [&] { return std::make_unique<Crystals>(options); };
  ETALON_ASSIGN(const auto found, job.run(std::move(*plan), make));
  if (!job.first()) return {};
  ETALON_ASSIGN(const cli::CrystalFindings all,
                tally_of(options, dynamic_cast<const Crystals&>(*found), job.ranges()));
  return options.merges ? cli::report_merge(options, all, job.report())
                        : cli::report_index(options, all.tally, job.report());
}

}  // namespace

void add_index(Cli& cli, cli::Command& analyse) {
  add_kind<CrystalCommand>(cli, analyse, cli::declare_index, run);
  add_kind<CrystalCommand>(cli, analyse, cli::declare_merge, run);
}

}  // namespace etalon::mpi
