#include "pipeline/edge.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "base/posix.hpp"
#include "base/stopwatch.hpp"
#include "base/text.hpp"
#include "etalon/version.hpp"
#include "kernels/finder/finder.hpp"
#include "pipeline/calibration.hpp"
#include "pipeline/dispatch.hpp"
#include "pipeline/edge_teller.hpp"
#include "pipeline/edge_worker.hpp"
#include "pipeline/frame_source.hpp"
#include "pipeline/ordered.hpp"
#include "pipeline/reduction.hpp"
#include "store/crystfel_geometry.hpp"

namespace etalon {
namespace {

using Clock = Shipper::Clock;

// Takes the outcomes in order: ships them and keeps the books.
class Books {
 public:
  Books(const Recipe& recipe, const Reduction& reduction, Dispatch& dispatch, EdgeReport& report,
        const std::function<void(const std::string&)>& alarm)
      : recipe_(recipe),
        reduction_(reduction),
        dispatch_(dispatch),
        report_(report),
        alarm_(alarm) {}

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
    if (report_.fast.has_rules) follow(out);
    if (!out.veto.empty()) return reject(std::move(out));
    ShippedFrame shipped{out.frame->number, out.frame->time_s, {}, out.peaks, out.raw_sum, {}, {}};
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
  void follow(const Outcome& out) {
    FastReport& fast = report_.fast;
    dispatch_.journal.acted(out.actions);
    fast.actions += out.actions.size();
    fast.latencies.add(out.decided);
    const std::chrono::duration<double, std::milli> took = out.decided;
    if (took.count() > fast.budget_ms && fast.over_budget++ == 0 && alarm_)
      alarm_("frame " + std::to_string(out.frame->number) +
             ": its rules were followed later than fast.budget_ms after its arrival");
  }

  Result<void> reject(Outcome out) {
    VetoRow row{out.frame->number,
                out.figures.peaks,
                out.figures.score,
                out.figures.resolution_angstrom,
                out.judged_hit.has_value(),
                out.veto,
                out.raw_sum};
    ++report_.vetoed;
    ++report_.audit.rejected;
    if (!out.judged_hit) {
      rows_.rows.push_back(std::move(row));
      const bool due = rows_.rows.size() >= 256 || Clock::now() - flushed_ > dispatch_.patience();
      return due ? flush() : Result<void>();
    }
    ETALON_TRY(flush());  // the table is in the order of the frames
    ++report_.audit.audited;
    report_.audit.bytes += out.chunk.size();
    if (*out.judged_hit) ++report_.audit.hits;
    ShippedFrame whole{out.frame->number,
                       out.frame->time_s,
                       std::move(out.chunk),
                       std::move(out.judged),
                       out.raw_sum,
                       {},
                       Rejected{std::move(row), *out.judged_hit}};
    const Stopwatch watch(report_.stages.ship);
    return dispatch_.send(std::move(whole), out.since);
  }

  const Recipe& recipe_;
  const Reduction& reduction_;
  Dispatch& dispatch_;
  EdgeReport& report_;
  const std::function<void(const std::string&)>& alarm_;
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
    if (!facts.is_kept()) {
      ++report.vetoed;
      ++report.audit.rejected;
      if (!facts.chunk) continue;
      ++report.audit.audited;
      report.audit.bytes += facts.chunk->bytes;
      report.audit.hits += *facts.judged_hit ? 1 : 0;
      continue;
    }
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
  ETALON_ASSIGN(auto publisher, FastLoop::open_publisher(recipe, options.alarm));
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
  report.audit.limit = recipe.audit.limit;

  Lookahead frames(*source);
  auto first = frames.first(recipe.source.skip_unreadable);
  if (!first.ok()) return std::move(first).error();
  const Frame blank{0, 0, Array(info.dtype, {info.geometry.ny, info.geometry.nx})};
  ETALON_ASSIGN(const Calibration calibration,
                calibrate(recipe, info, *first != nullptr ? **first : blank));
  ETALON_ASSIGN(const Finder finder, Finder::create(info.geometry, calibration.mask, recipe.find));
  ETALON_ASSIGN(const Finder judge,
                Finder::create(info.geometry, calibration.mask, judge_settings(recipe)));
  ETALON_ASSIGN(const Reduction reduction,
                Reduction::create(recipe, info.geometry, calibration.mask));
  auto veto = Veto::create(recipe.veto, info.geometry);
  if (!veto.ok()) return std::move(veto).error().in(recipe.path);
  ETALON_ASSIGN(const auto fast, FastLoop::create(recipe, calibration.mask, std::move(publisher),
                                                  {info.name, info.saturation_value,
                                                   options.instrument, options.alarm}));
  report.fast.has_rules = fast->has_rules();
  report.fast.budget_ms = recipe.fast.budget_ms;

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
  const EdgePlan plan{recipe, *veto, reduction,
                      AuditDraw(recipe.audit.seed, info.name, recipe.audit.share), *fast};
  std::vector<EdgeWorker> workers(threads, EdgeWorker(plan, finder, judge));
  Books books(recipe, reduction, dispatch, report, options.alarm);

  const auto stopped = [&] {
    return (options.interrupted != nullptr && options.interrupted->load()) ||
           dispatch.asked_to_stop();
  };
  EdgeTeller teller(options.progress, info);
  std::uint64_t given = 0;
  auto next = [&]() -> std::optional<Arrival> {
    std::optional<Arrival> arrival;
    do {
      arrival = stopped() ? std::nullopt : frames.next();
      if (arrival) teller.read(++given, source->lost(), source->busy_s());
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
        teller.taken(report, dispatch, false);
        return {};
      });
  if (flow.ok()) flow = books.flush();
  auto files = hashing.get();
  if (flow.ok() && !files.ok()) flow = files.error();
  if (flow.ok()) teller.taken(report, dispatch, true);
  if (flow.ok()) account_for(*source, report);
  if (!flow.ok()) return dispatch.abandon(std::move(flow).error());
  End end;
  end.received = report.frames;
  end.kept = report.kept;
  end.vetoed = report.vetoed;
  end.audited = report.audit.audited;
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
