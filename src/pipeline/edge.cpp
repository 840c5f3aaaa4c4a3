#include "pipeline/edge.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "base/posix.hpp"
#include "base/text.hpp"
#include "etalon/version.hpp"
#include "kernels/finder/finder.hpp"
#include "pipeline/calibration.hpp"
#include "pipeline/dispatch.hpp"
#include "pipeline/edge_books.hpp"
#include "pipeline/edge_teller.hpp"
#include "pipeline/edge_worker.hpp"
#include "pipeline/frame_source.hpp"
#include "pipeline/ordered.hpp"
#include "pipeline/reduction.hpp"
#include "store/crystfel_geometry.hpp"

namespace etalon {
namespace {

using Clock = Shipper::Clock;

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
      if (arrival) {
        arrival->unpack();
        seen_.push_back(std::move(*arrival));
      }
      if (seen_.empty()) return static_cast<const Frame*>(nullptr);
      const Result<Frame>& last = seen_.back().frame;  // a source has one frame at least
      if (last.ok()) return &last.value();
      if (!arrival || !(skip_unreadable || seen_.back().is_damaged)) return last.error();
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

// A run of which only the collector's last word is missing.
Result<EdgeReport> await_done(const Recipe& recipe, Dispatch& dispatch, const EdgeOptions& options,
                              EdgeReport report) {
  const Hello hello = *dispatch.hello();
  const End end = *dispatch.end();
  recall(dispatch.committed(), hello.info, report);
  report.series = hello.info.name;
  report.frames = end.received;
  report.lost = end.lost;
  report.complete = end.complete;
  report.audit.limit = recipe.audit.limit;
  report.fast.has_rules = !recipe.fast.rules.empty();
  report.fast.budget_ms = recipe.fast.budget_ms;
  report.fast.actions = dispatch.acted().size();
  if (options.alarm)
    options.alarm("going on with a run of which only the collector's last word is missing");
  ETALON_TRY(dispatch.connect(options.address, hello));
  ETALON_ASSIGN(report.done, dispatch.finish());
  report.shipped = dispatch.counters();
  return report;
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
  if (dispatch.end() != nullptr) return await_done(recipe, dispatch, options, std::move(report));
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
  report.fast.actions = dispatch.acted().size();
  fast->recall(dispatch.acted());
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
  EdgeBooks books(recipe, reduction, dispatch, report, options.alarm);

  const auto stopped = [&] {
    return (options.interrupted != nullptr && options.interrupted->load()) ||
           dispatch.asked_to_stop();
  };
  EdgeTeller teller(options.progress, info, dispatch);
  teller.taken(report);
  std::uint64_t given = 0;
  auto next = [&]() -> std::optional<Arrival> {
    std::optional<Arrival> arrival;
    do {
      arrival = stopped() ? std::nullopt : frames.next();
      if (arrival) ++given;
    } while (arrival && arrival->frame.ok() && dispatch.knows(arrival->frame->number));
    if (arrival) teller.read(source->lost(), source->busy_s());
    // Interrupted after the last frame it is whole all the same.
    if (!arrival && stopped()) report.complete = given == info.frames;
    return arrival;
  };
  auto flow = run_ordered<Arrival, Outcome>(
      threads, 2 * std::size_t{threads} + 2, next,
      [&](unsigned worker, Arrival job) { return workers[worker](std::move(job)); },
      [&](Outcome out) -> Result<void> {
        ETALON_TRY(books.take(std::move(out)));
        teller.taken(report);
        return {};
      });
  if (flow.ok()) flow = books.flush();
  teller.end();
  auto files = hashing.get();
  if (flow.ok() && !files.ok()) flow = files.error();
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
  report.stages.receive += source->busy_s();
  return report;
}

}  // namespace etalon
