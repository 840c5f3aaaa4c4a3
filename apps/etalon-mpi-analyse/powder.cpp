#include <optional>

#include "analyse_powder.hpp"
#include "commands.hpp"
#include "reduce_input.hpp"

namespace etalon::mpi {
namespace {

using cli::PowderOptions;

Result<std::unique_ptr<SeriesReader>> open_file(const PowderOptions& options,
                                                const std::string& file) {
  ETALON_ASSIGN(const OpenOptions open, cli::open_options({file, options.dataset, "", ""}));
  return open_series(file, open);
}

class PowderFindings : public Findings {
 public:
  // `info` is the first series'.
  PowderFindings(const PowderOptions& options, const SeriesInfo& info)
      : options_(options), info_(info) {}

  bool adds_up() const override { return true; }

  Result<void> look_at(std::uint64_t, const FrameRange& range, Steps& steps) override {
    const std::string& file = options_.files[range.series];
    if (!reader_ || series_ != range.series) {
      ETALON_TRY(add_current());
      ETALON_ASSIGN(reader_, open_file(options_, file));
      series_ = range.series;
    }
    if (!current_) {
      auto made = Powder::create(reader_->info());
      if (!made.ok()) return std::move(made).error().in(file);
      current_ = std::move(*made);
    }
    for (std::uint64_t i = range.begin; i < range.end; ++i) {
      steps.begin_frame(i + 1 == range.end);
      ETALON_ASSIGN(const Frame frame, steps.read(*reader_, i));
      if (auto added = current_->add(frame.image.view()); !added.ok())
        return std::move(added).error().in(file);
    }
    return {};
  }

  Bytes pack(std::span<const std::uint64_t>) override {
    const auto added = add_current();
    return added.ok() && all_ ? all_->pack() : Bytes();
  }

  Result<void> merge(std::span<const std::uint64_t> ranges, std::uint64_t frames,
                     ByteSpan packed) override {
    if (ranges.empty()) return {};
    ETALON_ASSIGN(Powder more, Powder::unpack(info_, packed));
    if (more.frames() != frames)
      return Error{Errc::malformed, "a powder of " + std::to_string(more.frames()) +
                                        " frames for ranges of " + std::to_string(frames)};
    return cli::add_powder(all_, std::move(more), options_.files.front());
  }

  // Everything; none where there are no frames.
  Result<std::optional<Powder>> take() {
    ETALON_TRY(add_current());
    return std::move(all_);
  }

 private:
  Result<void> add_current() {
    if (!current_) return {};
    auto current = std::move(*current_);
    current_.reset();
    return cli::add_powder(all_, std::move(current), options_.files[series_]);
  }

  const PowderOptions& options_;
  const SeriesInfo info_;
  std::unique_ptr<SeriesReader> reader_;
  std::size_t series_ = 0;  // reader's and current's
  std::optional<Powder> current_, all_;
};

// Rank 0: looks at all files. `blank` has their masks and no frames.
Result<Plan> plan_of(const PowderOptions& options, const cli::Command& command,
                     std::optional<Powder>& blank) {
  ETALON_TRY(cli::check_powder(options));
  ETALON_TRY(check_free(options.output, options.overwrite));
  Plan plan{{}, about_settings(command)};
  for (const std::string& file : options.files) {
    ETALON_ASSIGN(const auto reader, open_file(options, file));
    auto powder = Powder::create(reader->info());
    if (!powder.ok()) return std::move(powder).error().in(file);
    ETALON_TRY(cli::add_powder(blank, std::move(*powder), file));
    plan.frames.push_back(reader->info().frames);
    plan.about += about_series(file, plan.frames.back(), reader->files());
  }
  return plan;
}

Result<void> run(const PowderOptions& options, const cli::Command& command, Job& job) {
  std::optional<Powder> powder;
  Result<Plan> plan(Plan{});
  if (job.first()) plan = plan_of(options, command, powder);
  ETALON_TRY(job.agree(plan));
  SeriesInfo info;
  Result<void> opened;
  if (auto reader = open_file(options, options.files.front()); reader.ok())
    info = (*reader)->info();
  else
    opened = reader.error();
  ETALON_TRY(job.agree(opened));
  const auto make = [&] { return std::make_unique<PowderFindings>(options, info); };
  ETALON_ASSIGN(const auto found, job.run(std::move(*plan), make));
  if (!job.first()) return {};
  ETALON_ASSIGN(auto all, dynamic_cast<PowderFindings&>(*found).take());
  if (all) ETALON_TRY(cli::add_powder(powder, std::move(*all), options.files.front()));
  return cli::report_powder(options, *powder, job.report());
}

}  // namespace

void add_powder(Cli& cli, cli::Command& analyse) {
  add_kind<PowderOptions>(cli, analyse, cli::declare_powder, run);
}

}  // namespace etalon::mpi
