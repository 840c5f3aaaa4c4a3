#include "pipeline/edge.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "base/posix.hpp"
#include "base/stopwatch.hpp"
#include "base/text.hpp"
#include "etalon/version.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"
#include "pipeline/calibration.hpp"
#include "pipeline/dispatch.hpp"
#include "pipeline/frame_source.hpp"
#include "pipeline/ordered.hpp"
#include "pipeline/reduction.hpp"
#include "store/crystfel_geometry.hpp"

namespace etalon {
namespace {

using Clock = Shipper::Clock;

// What became of one frame.
struct Outcome {
  Clock::time_point since;
  Result<Frame> frame;
  FrameSum raw_sum;
  std::vector<Peak> peaks;
  std::string veto;  // empty: kept
  Bytes chunk;
  std::optional<Error> failure;
  StageSeconds stages;
};

std::string veto_reason(const Recipe::Veto& veto, std::size_t peaks) {
  if (peaks < veto.min_peaks) return "peaks < " + std::to_string(veto.min_peaks);
  if (veto.max_peaks != 0 && peaks > veto.max_peaks)
    return "peaks > " + std::to_string(veto.max_peaks);
  return "";
}

// One per thread: finds and reduces.
class Worker {
 public:
  Worker(const Recipe& recipe, PeakFinder8 finder, const Reduction& reduction)
      : recipe_(recipe), finder_(std::move(finder)), reduction_(reduction) {}

  Outcome operator()(Arrival job) {
    Outcome out{job.since, std::move(job.frame), {}, {}, {}, {}, {}, {}};
    if (!out.frame.ok()) return out;
    {
      const Stopwatch watch(out.stages.checksum);
      out.raw_sum = frame_sum(out.frame->image.view().bytes());
    }
    if (auto done = search(out); !done.ok())
      out.failure = std::move(done).error().in("frame " + std::to_string(out.frame->number));
    return out;
  }

 private:
  Result<void> search(Outcome& out) {
    {
      const Stopwatch watch(out.stages.find);
      ETALON_ASSIGN(out.peaks, finder_.find(out.frame->image.view()));
    }
    out.veto = veto_reason(recipe_.veto, out.peaks.size());
    if (out.veto.empty()) {
      const Stopwatch watch(out.stages.reduce);
      ETALON_ASSIGN(out.chunk, reduction_.encode(*out.frame, out.peaks));
    }
    return {};
  }

  const Recipe& recipe_;
  PeakFinder8 finder_;
  const Reduction& reduction_;
};

// Takes the outcomes in order: ships them and keeps the books.
class Books {
 public:
  Books(const Recipe& recipe, const Reduction& reduction, Dispatch& dispatch, EdgeReport& report)
      : recipe_(recipe), reduction_(reduction), dispatch_(dispatch), report_(report) {}

  Result<void> take(Outcome out) {
    ++report_.frames;
    if (!out.frame.ok()) {
      if (!recipe_.source.skip_unreadable) return std::move(out.frame).error();
      ++report_.lost["unreadable"];
      return {};
    }
    if (out.failure) return std::move(*out.failure).in(report_.source);
    report_.stages.checksum += out.stages.checksum;
    report_.stages.find += out.stages.find;
    report_.stages.reduce += out.stages.reduce;
    const std::uint64_t bytes = out.frame->image.view().size_bytes();
    report_.raw_bytes += bytes;
    if (!out.veto.empty()) {
      rows_.rows.push_back({out.frame->number, out.peaks.size(), out.veto, out.raw_sum});
      ++report_.vetoed;
      const bool due = rows_.rows.size() >= 256 || Clock::now() - flushed_ > dispatch_.patience();
      return due ? flush() : Result<void>();
    }
    ShippedFrame shipped{out.frame->number, out.frame->time_s, {},
                         out.peaks,         out.raw_sum,       std::nullopt};
    const std::uint64_t every = recipe_.reduce.check_every;
    if (every != 0 && report_.kept % every == 0) {
      ETALON_ASSIGN(shipped.decoded_sum, reduction_.check(*out.frame, out.peaks, out.chunk));
      ++report_.checked;
    }
    ++report_.kept;
    report_.raw_bytes_kept += bytes;
    report_.chunk_bytes += out.chunk.size();
    shipped.chunk = std::move(out.chunk);
    const Stopwatch watch(report_.stages.ship);
    return dispatch_.send(std::move(shipped), out.since);
  }

  // Sends the rows of vetoed frames gathered so far.
  Result<void> flush() {
    flushed_ = Clock::now();
    if (rows_.rows.empty()) return {};
    return dispatch_.send(std::exchange(rows_, {}));
  }

 private:
  const Recipe& recipe_;
  const Reduction& reduction_;
  Dispatch& dispatch_;
  EdgeReport& report_;
  Vetoes rows_;
  Clock::time_point flushed_ = Clock::now();
};

Result<std::vector<Artifact>> hash_files(const std::vector<std::string>& files) {
  std::vector<Artifact> out;
  for (const std::string& file : files) {
    ETALON_ASSIGN(const Hash hash, sha256_file(file));
    out.push_back({"file", hash, absolute_path(file)});
  }
  return out;
}

// Frames with those looked at beforehand once more.
class Lookahead {
 public:
  explicit Lookahead(FrameSource& source) : source_(source) {}

  // The first frame that can be read shows what the mask needs; none of a stream that was resumed
  // behind its last image.
  Result<const Frame*> first(bool skip_unreadable) {
    while (true) {
      auto arrival = source_.next();
      if (arrival) seen_.push_back(std::move(*arrival));
      if (seen_.empty()) return static_cast<const Frame*>(nullptr);
      const Result<Frame>& last = seen_.back().frame;  // a source has one frame at least
      if (last.ok()) return &last.value();
      if (!arrival || !skip_unreadable) return last.error();
    }
  }
  std::optional<Arrival> next() {
    if (seen_.empty()) return source_.next();
    Arrival arrival = std::move(seen_.front());
    seen_.pop_front();
    return arrival;
  }

 private:
  FrameSource& source_;
  std::deque<Arrival> seen_;
};

// What processes that were killed committed counts as this one's.
void recall(const std::vector<FrameFacts>& committed, const SeriesInfo& info, EdgeReport& report) {
  const std::uint64_t bytes = info.geometry.pixels() * size_of(info.dtype);
  for (const FrameFacts& facts : committed) {
    ++report.resumed;
    ++report.frames;
    report.raw_bytes += bytes;
    report.vetoed += facts.chunk ? 0 : 1;
    if (!facts.chunk) continue;
    ++report.kept;
    report.raw_bytes_kept += bytes;
    report.chunk_bytes += facts.chunk->bytes;
    report.checked += facts.chunk->checked ? 1 : 0;
  }
}

// A run of which only the collector's last word is missing.
Result<EdgeReport> await_done(Dispatch& dispatch, const EdgeOptions& options, EdgeReport report) {
  const Hello hello = *dispatch.hello();
  const End end = *dispatch.end();
  recall(dispatch.committed(), hello.info, report);
  report.series = hello.info.name;
  report.frames = end.received;
  report.lost = end.lost;
  report.complete = end.complete;
  if (options.alarm)
    options.alarm("going on with a run of which only the collector's last word is missing");
  ETALON_TRY(dispatch.connect(options.address, hello));
  ETALON_ASSIGN(report.done, dispatch.finish());
  report.shipped = dispatch.counters();
  return report;
}

// What never came counts as received by the series, and lost. Of an interrupted one, what was not
// waited for does not.
void account_for(const FrameSource& source, EdgeReport& report) {
  const bool interrupted = !report.complete;
  for (const auto& [cause, count] : source.lost()) {
    if (interrupted && cause == "not_sent") continue;
    report.lost[cause] += count;
    report.frames += count;
  }
  if (interrupted) return;
  report.cut_short = source.cut_short();
  report.complete = !report.cut_short;
}

}  // namespace

Result<EdgeReport> run_edge(const Recipe& recipe, const EdgeOptions& options) {
  EdgeReport report;
  if (!options.source.empty()) {
    report.source = options.source;
  } else if (recipe.source.path.empty()) {
    return Error{Errc::usage, recipe.path + ": source.path is not set, and no --source is given"};
  } else {
    ETALON_ASSIGN(report.source, source_path(recipe));
  }
  ETALON_ASSIGN(Dispatch dispatch, Dispatch::open(recipe, options.spool));
  if (dispatch.end() != nullptr) return await_done(dispatch, options, std::move(report));
  const std::optional<ResumedSeries> resumed = dispatch.resumed();
  ETALON_ASSIGN(const auto source,
                open_frames(recipe, report.source,
                            {options.interrupted, resumed ? &*resumed : nullptr, options.alarm}));
  SeriesInfo info = source->info();
  if (!recipe.source.name.empty()) info.name = recipe.source.name;
  if (!recipe.calibrate.geometry.empty()) {
    ETALON_ASSIGN(const std::string geometry, recipe_path(recipe, recipe.calibrate.geometry));
    ETALON_TRY(place_panels(geometry, info));
  }
  if (recipe.find.centre) {
    if (!info.geometry.places.empty())
      return Error{Errc::usage,
                   recipe.path + ": find.centre: the panels' places say where the beam is"};
    info.geometry.centre_x = (*recipe.find.centre)[0];
    info.geometry.centre_y = (*recipe.find.centre)[1];
  }
  report.series = info.name;

  Lookahead frames(*source);
  auto first = frames.first(recipe.source.skip_unreadable);
  if (!first.ok()) return std::move(first).error();
  const Frame blank{0, 0, Array(info.dtype, {info.geometry.ny, info.geometry.nx})};
  ETALON_ASSIGN(const Calibration calibration,
                calibrate(recipe, info, *first != nullptr ? **first : blank));
  ETALON_ASSIGN(const PeakFinder8 finder,
                PeakFinder8::create(info.geometry, calibration.mask, recipe.find.parameters));
  ETALON_ASSIGN(const Reduction reduction,
                Reduction::create(recipe, info.geometry, calibration.mask));

  ETALON_TRY(dispatch.connect(options.address,
                              {info, recipe.hash, recipe.reduce.bound, std::string(program)}));
  recall(dispatch.committed(), info, report);
  if (report.resumed != 0 && options.alarm)
    options.alarm("going on with a run that was cut off: " + counted(report.resumed, "frame") +
                  " of it in " + options.spool);

  const auto start = Clock::now();
  auto hashing = std::async(std::launch::async, hash_files, source->files());
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<Worker> workers(threads, Worker(recipe, finder, reduction));
  Books books(recipe, reduction, dispatch, report);

  const auto stopped = [&] {
    return (options.interrupted != nullptr && options.interrupted->load()) ||
           dispatch.asked_to_stop();
  };
  std::uint64_t given = 0;
  auto next = [&]() -> std::optional<Arrival> {
    std::optional<Arrival> arrival;
    do {
      arrival = stopped() ? std::nullopt : frames.next();
      if (arrival) ++given;
    } while (arrival && arrival->frame.ok() && dispatch.knows(arrival->frame->number));
    // Interrupted after the last frame it is whole all the same.
    if (!arrival && stopped()) report.complete = given == info.frames;
    return arrival;
  };
  auto flow = run_ordered<Arrival, Outcome>(
      threads, 2 * std::size_t{threads} + 2, next,
      [&](unsigned worker, Arrival job) { return workers[worker](std::move(job)); },
      [&](Outcome out) -> Result<void> {
        ETALON_TRY(books.take(std::move(out)));
        if (options.progress) options.progress(report.frames, info.frames);
        return {};
      });
  if (flow.ok()) flow = books.flush();
  auto files = hashing.get();
  if (flow.ok() && !files.ok()) flow = files.error();
  if (flow.ok()) account_for(*source, report);
  if (!flow.ok()) return dispatch.abandon(std::move(flow).error());
  End end;
  end.received = report.frames;
  end.kept = report.kept;
  end.vetoed = report.vetoed;
  end.lost = report.lost;
  end.raw_bytes = report.raw_bytes;
  end.raw_bytes_kept = report.raw_bytes_kept;
  end.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  end.latency_p99_ms = dispatch.counters().latencies.quantile_ms(0.99);
  end.complete = report.complete;
  end.records =
      dispatch.journal.records(recipe, info, calibration, *files, reduction.files(), report.lost);
  ETALON_ASSIGN(report.done, dispatch.finish(std::move(end)));
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.shipped = dispatch.counters();
  report.stages.receive = source->busy_s();
  return report;
}

}  // namespace etalon
