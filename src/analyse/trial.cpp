#include "analyse/trial.hpp"

#include <algorithm>
#include <thread>

#include "base/thread_pool.hpp"
#include "codec/dither.hpp"
#include "etalon/regions.hpp"

namespace etalon {
namespace {

using Progressing = std::function<void(std::uint64_t)>;

struct Reduced {
  std::vector<std::byte> chunk;
  FrameLook look;
};

}  // namespace

struct Trials::Impl {
  SeriesReader* series;
  TrialSample sample;
  std::size_t threads;
  ThreadPool pool;
  std::vector<ScienceJudge> judges;  // one for each frame of a batch
  std::vector<FrameLook> raw;        // of the sample's frames

  Impl(SeriesReader& reader, TrialSample given, std::size_t count, const ScienceJudge& judge)
      : series(&reader),
        sample(std::move(given)),
        threads(count),
        pool(count > 1 ? count - 1 : 1),
        judges(count > 1 ? 4 * count : 1, judge) {}

  // Reads batch after batch; `step(k, frame, judge)` runs side by side for the k-th of the sample,
  // `take(k)` after it, in order.
  template <typename Step, typename Take>
  Result<void> for_each_frame(const Progressing& progress, Step&& step, Take&& take) {
    for (std::size_t first = 0; first < sample.frames.size(); first += judges.size()) {
      std::vector<Frame> frames;
      for (std::size_t k = first; k < std::min(first + judges.size(), sample.frames.size()); ++k) {
        if (sample.stop != nullptr && *sample.stop)
          return Error{Errc::interrupted, series->files().front() + ": interrupted"};
        ETALON_ASSIGN(Frame frame, series->read(sample.frames[k]));
        frames.push_back(std::move(frame));
      }
      std::vector<Result<void>> done(frames.size());
      const auto one = [&](std::size_t i) { done[i] = step(first + i, frames[i], judges[i]); };
      if (threads > 1)
        pool.for_each(frames.size(), one);
      else
        one(0);
      for (std::size_t i = 0; i < done.size(); ++i) {
        if (!done[i].ok())
          return std::move(done[i])
              .error()
              .in("frame " + std::to_string(frames[i].number))
              .in(series->files().front());
        ETALON_TRY(take(first + i));
      }
      if (progress) progress(first + frames.size());
    }
    return {};
  }

  Result<CompressOptions> options_of(const TrialSetting& setting, std::size_t k,
                                     const ArrayView& image) const {
    const std::uint64_t frame = sample.frames[k];
    CompressOptions options;
    options.bound = setting.bound;
    options.mask = sample.mask;
    options.dither = setting.dither;
    options.seed = codec::dither_bits(sample.seed, frame);
    if (sample.regions) {
      ETALON_ASSIGN(options.regions, sample.regions(frame, image));
    }
    if (setting.peaks)
      options.regions.push_back(peaks_region(raw[k].peaks, setting.half, sample.geometry.ny,
                                             sample.geometry.nx, Bound::lossless()));
    return options;
  }
};

Trials::Trials(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trials::~Trials() = default;
Trials::Trials(Trials&&) noexcept = default;
Trials& Trials::operator=(Trials&&) noexcept = default;

Result<Trials> Trials::create(SeriesReader& series, TrialSample sample,
                              const Progressing& progress) {
  ETALON_ASSIGN(const ScienceJudge judge,
                ScienceJudge::create(sample.geometry, sample.mask, sample.settings));
  const std::size_t threads =
      sample.threads > 0 ? sample.threads : std::max(1U, std::thread::hardware_concurrency());
  auto impl = std::make_unique<Impl>(series, std::move(sample), threads, judge);
  Impl& own = *impl;
  own.raw.resize(own.sample.frames.size());
  const auto look = [&](std::size_t k, const Frame& frame, ScienceJudge& one) -> Result<void> {
    const auto places = own.sample.predicted == nullptr
                            ? std::span<const Place>{}
                            : own.sample.predicted->of_frame(frame.number);
    ETALON_ASSIGN(own.raw[k], one.look_at_raw(frame.image.view(), places));
    return {};
  };
  ETALON_TRY(own.for_each_frame(progress, look, [](std::size_t) { return Result<void>(); }));
  return Trials(std::move(impl));
}

Result<TrialOutcome> Trials::run(const TrialSetting& setting, const Progressing& progress) {
  Impl& own = *impl_;
  const DType source = own.series->info().dtype;
  const bool widens = setting.dither && !is_float(source);
  const Shape chunk{1, own.sample.geometry.ny, own.sample.geometry.nx};
  ETALON_ASSIGN(auto writer, ContainerWriter::create(widens ? dithered_dtype(source) : source,
                                                     chunk, setting.bound, source));
  ScienceTally tally(own.sample.settings, own.sample.predicted != nullptr);
  TrialOutcome outcome;
  outcome.setting = setting;
  outcome.bytes = writer.header().size();
  std::vector<Reduced> reduced(own.sample.frames.size());
  const auto reduce = [&](std::size_t k, const Frame& frame, ScienceJudge& judge) -> Result<void> {
    ArrayView image = frame.image.view();
    image.shape = chunk;
    ETALON_ASSIGN(const auto compress, own.options_of(setting, k, frame.image.view()));
    ETALON_ASSIGN(reduced[k].chunk, encode_chunk(image, compress));
    ETALON_ASSIGN(const Array decoded, decode_chunk(reduced[k].chunk));
    ETALON_ASSIGN(reduced[k].look, judge.look_at_reduced(decoded.view()[0], own.raw[k]));
    return {};
  };
  const auto take = [&](std::size_t k) -> Result<void> {
    Reduced& one = reduced[k];
    ETALON_ASSIGN(const auto section, writer.chunk(one.chunk));
    outcome.bytes += section.size();
    outcome.raw_bytes += chunk.count() * size_of(source);
    tally.add(own.sample.frames[k], own.raw[k], std::move(one.look));
    one = {};
    return {};
  };
  ETALON_TRY(own.for_each_frame(progress, reduce, take));
  outcome.bytes += writer.finish().size();
  outcome.report = tally.report();
  return outcome;
}

std::vector<std::uint64_t> spread_frames(std::uint64_t frames, std::uint64_t count) {
  if (count == 0 || count > frames) count = frames;
  std::vector<std::uint64_t> chosen(count);
  const std::uint64_t whole = count == 0 ? 0 : frames / count,
                      rest = count == 0 ? 0 : frames % count;
  for (std::uint64_t i = 0; i < count; ++i) chosen[i] = i * whole + i * rest / count;
  return chosen;
}

}  // namespace etalon
