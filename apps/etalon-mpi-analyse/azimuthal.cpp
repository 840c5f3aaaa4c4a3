#include "analyse_azimuthal.hpp"
#include "commands.hpp"

namespace etalon::mpi {
namespace {

using cli::AzimuthalCommand, cli::AzimuthalSetup;
using Blocks = std::vector<ProfileBlock>;

class Profiles : public FindingsByRange<Blocks> {
 public:
  Profiles(const AzimuthalCommand& options, const AzimuthalSetup& setup)
      : options_(options), setup_(setup) {}

 protected:
  Result<Blocks> find(const FrameRange& range, Steps& steps) override {
    const std::string& file = options_.files[range.series];
    if (!reader_ || series_ != range.series) {
      ETALON_ASSIGN(const OpenOptions open, cli::open_azimuthal(options_, file));
      ETALON_ASSIGN(reader_, open_series(file, open));
      series_ = range.series;
    }
    Blocks blocks;
    for (std::uint64_t i = range.begin; i < range.end; ++i) {
      if (cli::interrupted) return told_to_end();
      steps.begin_frame(i + 1 == range.end);
      ETALON_ASSIGN(const Frame frame, steps.read(*reader_, i));
      const auto profile = setup_.integrator.integrate(frame.image.view());
      if (!profile.ok()) return Error(profile.error()).in(file);
      if (i % ProfileBlock::frames == 0) blocks.emplace_back();
      blocks.back().add(reader_->source_number(i), *profile);
    }
    return blocks;
  }

  void put(ByteWriter& out, const Blocks& found) const override {
    out.put(std::uint64_t{found.size()});
    for (const ProfileBlock& block : found) block.pack(out);
  }

  Result<Blocks> get(ByteReader& in, std::uint64_t) const override {
    const AzimuthalOptions& settings = setup_.settings;
    ETALON_ASSIGN(const auto count, in.get<std::uint64_t>());
    Blocks blocks;
    for (std::uint64_t i = 0; i < count; ++i) {
      ETALON_ASSIGN(ProfileBlock block, ProfileBlock::unpack(in, settings.bins, settings.sigma));
      blocks.push_back(std::move(block));
    }
    return blocks;
  }

  std::uint64_t frames_of(const Blocks& found) const override {
    std::uint64_t frames = 0;
    for (const ProfileBlock& block : found) frames += block.numbers.size();
    return frames;
  }

 private:
  const AzimuthalCommand& options_;
  const AzimuthalSetup& setup_;
  std::unique_ptr<SeriesReader> reader_;
  std::size_t series_ = 0;
};

Result<void> check(const AzimuthalCommand& options) {
  ETALON_TRY(cli::check_azimuthal(options));
  ETALON_TRY(check_free(options.output, options.overwrite));
  return check_free(options.plot, options.overwrite);
}

// Rank 0, which has looked at all files.
Result<Plan> plan_of(const AzimuthalCommand& options, const cli::Command& command,
                     const AzimuthalSetup& setup) {
  Plan plan{setup.frames, about_settings(command)};
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    ETALON_ASSIGN(const OpenOptions open, cli::open_azimuthal(options, options.files[i]));
    ETALON_ASSIGN(const auto reader, open_series(options.files[i], open));
    plan.about += about_series(options.files[i], plan.frames[i], reader->files());
  }
  return plan;
}

Result<void> run(const AzimuthalCommand& options, const cli::Command& command, Job& job) {
  ETALON_TRY(job.agree(job.first() ? check(options) : Result<void>()));
  const std::span<const std::string> files(options.files);
  AzimuthalCommand alone = options;
  alone.threads = 1;
  auto setup = cli::set_up_azimuthal(alone, job.first() ? files : files.first(1));
  ETALON_TRY(job.agree(setup));
  Result<Plan> plan(Plan{});
  if (job.first()) plan = plan_of(options, command, *setup);
  ETALON_TRY(job.agree(plan));
  const auto make = [&] { return std::make_unique<Profiles>(options, *setup); };
  ETALON_ASSIGN(const auto found, job.run(std::move(*plan), make));
  if (!job.first()) return {};
  ProfileSeries series;
  series.centres = setup->integrator.centres();
  for (const auto& [range, blocks] : dynamic_cast<const Profiles&>(*found).found())
    for (const ProfileBlock& block : blocks) series.append(block);
  return cli::report_azimuthal(options, *setup, series, job.report());
}

}  // namespace

void add_azimuthal(Cli& cli, cli::Command& analyse) {
  add_kind<AzimuthalCommand>(cli, analyse, cli::declare_azimuthal, run);
}

}  // namespace etalon::mpi
