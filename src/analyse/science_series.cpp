#include "analyse/science_series.hpp"

#include <thread>

#include "base/thread_pool.hpp"

namespace etalon {
namespace {

using Partners = std::vector<std::optional<std::uint64_t>>;  // of raw frames, in the reduction

bool in_step(const SeriesReader& raw, const SeriesReader& reduced) {
  if (raw.info().frames != reduced.info().frames) return false;
  if (!raw.has_source_numbers() || !reduced.has_source_numbers())
    return !reduced.has_source_numbers();
  for (std::uint64_t i = 0; i < raw.info().frames; ++i)
    if (raw.source_number(i) != reduced.source_number(i)) return false;
  return true;
}

Result<Partners> partners_of(const SeriesReader& raw, const SeriesReader& reduced) {
  const std::string name = reduced.files().front();
  const SeriesInfo &a = raw.info(), &b = reduced.info();
  if (a.geometry.ny != b.geometry.ny || a.geometry.nx != b.geometry.nx)
    return Error{Errc::check,
                 name + ": has images of " + to_string(Shape{b.geometry.ny, b.geometry.nx}) + ", " +
                     raw.files().front() + " of " + to_string(Shape{a.geometry.ny, a.geometry.nx})};
  Partners partners(a.frames);
  const bool same = in_step(raw, reduced);
  if (!same && !reduced.has_source_numbers())
    return Error{Errc::check, name + ": has " + std::to_string(b.frames) + " frames, " +
                                  raw.files().front() + " has " + std::to_string(a.frames)};
  for (std::uint64_t i = 0; i < b.frames; ++i) {
    const std::uint64_t number = same ? i : reduced.source_number(i);
    if (number >= a.frames || partners[number])
      return Error{
          Errc::check,
          name + ": frame " + std::to_string(i) + ": has number " + std::to_string(number) +
              (number < a.frames ? " as one before it"
                                 : ", the original has " + std::to_string(a.frames) + " frames")};
    partners[number] = i;
  }
  return partners;
}

// A raw frame and its partner on their way through a thread.
struct Pair {
  Frame raw;
  std::optional<Frame> reduced;
};

Result<FrameScience> judge_pair(ScienceJudge& judge, const Pair& pair, const PlaceTable* places) {
  FrameScience science;
  science.frame = pair.raw.number;
  const auto predicted =
      places == nullptr ? std::span<const Place>{} : places->of_frame(pair.raw.number);
  ETALON_ASSIGN(science.raw, judge.look_at_raw(pair.raw.image.view(), predicted));
  if (pair.reduced) {
    ETALON_ASSIGN(science.reduced, judge.look_at_reduced(pair.reduced->image.view(), science.raw));
  }
  return science;
}

}  // namespace

Result<ScienceReport> judge_series(SeriesReader& raw, SeriesReader& reduced,
                                   const Geometry& geometry, const Mask& mask,
                                   const SeriesJudgement& how) {
  ETALON_ASSIGN(const Partners partners, partners_of(raw, reduced));
  ETALON_ASSIGN(const ScienceJudge judge, ScienceJudge::create(geometry, mask, how.settings));
  const std::size_t threads =
      how.threads > 0 ? how.threads : std::max(1U, std::thread::hardware_concurrency());
  const std::size_t batch = threads > 1 ? 4 * threads : 1;
  std::vector<ScienceJudge> judges(batch, judge);
  ThreadPool pool(threads > 1 ? threads - 1 : 1);
  ScienceTally tally(how.settings, how.predicted != nullptr);
  for (std::uint64_t first = 0; first < partners.size(); first += batch) {
    std::vector<Pair> pairs;
    for (std::uint64_t i = first; i < std::min<std::uint64_t>(first + batch, partners.size());
         ++i) {
      if (how.stop != nullptr && *how.stop)
        return Error{Errc::interrupted, raw.files().front() + ": interrupted after " +
                                            std::to_string(first) + " of " +
                                            std::to_string(partners.size()) + " frames"};
      ETALON_ASSIGN(Frame frame, raw.read(i));
      Pair& pair = pairs.emplace_back();
      pair.raw = std::move(frame);
      if (partners[i]) {
        ETALON_ASSIGN(pair.reduced, reduced.read(*partners[i]));
      }
    }
    std::vector<std::optional<Result<FrameScience>>> judged(pairs.size());
    const auto step = [&](std::size_t i) {
      judged[i] = judge_pair(judges[i], pairs[i], how.predicted);
    };
    if (threads > 1)
      pool.for_each(pairs.size(), step);
    else
      step(0);
    for (auto& frame : judged) {
      if (!frame->ok()) return std::move(*frame).error().in(raw.files().front());
      tally.add(**frame);
    }
    if (how.progress) how.progress(first + pairs.size());
  }
  return tally.report();
}

}  // namespace etalon
