// Photon correlation needs every frame beside those before it: frames are read by all ranks in
// turn, and each has some of the pixels of all frames.
#include "analyse_correlation.hpp"
#include "commands.hpp"
#include "correlator.hpp"

namespace etalon::mpi {
namespace {

using cli::CorrelationCommand, cli::CorrelationSetup;

Plan plan_of(const CorrelationCommand& options, const cli::Command& command,
             const CorrelationSetup& setup) {
  return Plan{
      {setup.frames()},
      about_settings(command) + about_series(options.file, setup.frames(), setup.reader->files())};
}

Result<void> check(const CorrelationCommand& options, const Job& job) {
  if (!options.two_time.empty() && job.has_checkpoint())
    return Error{Errc::usage,
                 "analyse correlation: --two-time and --checkpoint do not go together: the pixels "
                 "of all frames would be in it"};
  ETALON_TRY(cli::check_correlation(options));
  ETALON_TRY(check_free(options.output, options.overwrite));
  return check_free(options.two_time, options.overwrite);
}

Result<void> read_frames(const CorrelationCommand& options, const CorrelationSetup& setup,
                         const PixelExchange::Frames& frames, PixelExchange& round, Times& times) {
  for (std::uint64_t i = frames.begin; i < frames.end; ++i) {
    if (cli::interrupted) return told_to_end();
    const Stopwatch reading(times.reading);
    ETALON_ASSIGN(const RingCounts counts, cli::read_counts(options, setup, i));
    round.put(counts);
    ++times.frames;
  }
  return {};
}

// Between two agreements only a request to end goes wrong, and that ends all.
Result<void> go_on(Job& job, const Result<void>& done) {
  return done.ok() ? done : job.agree(done);
}

// Collective.
Result<void> go_through(const CorrelationCommand& options, const CorrelationSetup& setup,
                        Correlator& correlator, const Generation& from, Job& job) {
  const std::uint64_t frames = job.frames();
  auto round = PixelExchange::create(correlator.blocks(), job.ranks());
  ETALON_TRY(job.agree(round));
  for (std::uint64_t next = from.frames; next < frames; next = round->all().end) {
    const auto mine = round->begin(next, frames);
    ETALON_TRY(job.agree(read_frames(options, setup, mine, *round, job.times())));
    ETALON_TRY(go_on(job, round->exchange()));
    const bool save = job.is_to_be_saved();
    const auto added = [&] {
      const Stopwatch computing(job.times().computing);
      return correlator.add(*round);
    }();
    ETALON_TRY(go_on(job, added));
    if (save) ETALON_TRY(job.save_together(correlator.parts(), correlator.pack()));
  }
  return {};
}

Result<void> run(const CorrelationCommand& options, const cli::Command& command, Job& job) {
  ETALON_TRY(job.agree(job.first() ? check(options, job) : Result<void>()));
  const auto setup = cli::set_up_correlation(options);
  ETALON_TRY(job.agree(setup));
  std::optional<std::uint64_t> pair_frames;
  if (!options.two_time.empty()) pair_frames = setup->frames();
  Correlator correlator(setup->rings, options.channels, job.ranks(), pair_frames);
  const auto frames_of = [&](std::span<const std::uint64_t> parts,
                             ByteSpan packed) -> Result<std::uint64_t> {
    ETALON_ASSIGN(const std::uint64_t frames, correlator.frames_of(parts, packed));
    if (frames > setup->frames())
      return Error{Errc::malformed, "is at frame " + std::to_string(frames) + " of " +
                                        std::to_string(setup->frames())};
    return frames;
  };
  ETALON_ASSIGN(const Generation from, job.begin_together(plan_of(options, command, *setup),
                                                          correlator.blocks().count(), frames_of));
  ETALON_TRY(job.agree(correlator.restore(from)));
  ETALON_TRY(go_through(options, *setup, correlator, from, job));
  const auto curves = correlator.gather_curves();
  ETALON_TRY(job.agree(curves));
  const auto matrices = correlator.gather_two_time();
  ETALON_TRY(job.agree(matrices));
  job.end_together();
  if (!job.first()) return {};
  return cli::report_correlation(
      options, *setup, *curves,
      [&](std::size_t ring) -> Result<Array> { return (*matrices)[ring]; }, job.report());
}

}  // namespace

void add_correlation(Cli& cli, cli::Command& analyse) {
  add_kind<CorrelationCommand>(cli, analyse, cli::declare_correlation, run);
}

}  // namespace etalon::mpi
