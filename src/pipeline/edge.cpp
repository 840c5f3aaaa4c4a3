#include "pipeline/edge.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "base/posix.hpp"
#include "base/stopwatch.hpp"
#include "etalon/version.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"
#include "pipeline/calibration.hpp"
#include "pipeline/edge_records.hpp"
#include "pipeline/edge_teller.hpp"
#include "pipeline/edge_worker.hpp"
#include "pipeline/frame_source.hpp"
#include "pipeline/ordered.hpp"
#include "pipeline/reduction.hpp"
#include "store/crystfel_geometry.hpp"

namespace etalon {
namespace {

using Clock = Shipper::Clock;

std::chrono::milliseconds ms(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

// Takes the outcomes in order: ships them and keeps the books.
class Books {
 public:
  Books(const Recipe& recipe, const Reduction& reduction, Shipper& shipper, EdgeReport& report,
        const std::function<void(const std::string&)>& alarm)
      : recipe_(recipe), reduction_(reduction), shipper_(shipper), report_(report), alarm_(alarm) {}

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
    journal.frame(out.raw_sum);
    journal.peaks(out.frame->number, out.peaks);
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
    journal.kept(out.raw_sum, out.chunk);
    shipped.chunk = std::move(out.chunk);
    const Stopwatch watch(report_.stages.ship);
    return shipper_.send(std::move(shipped), out.since);
  }

  // Sends the rows of vetoed frames gathered so far.
  Result<void> flush() {
    if (rows_.rows.empty()) return {};
    return shipper_.send(std::exchange(rows_, {}));
  }

  EdgeJournal journal;

 private:
  void follow(const Outcome& out) {
    FastReport& fast = report_.fast;
    journal.acted(out.actions);
    fast.actions += out.actions.size();
    fast.latencies.add(out.decided);
    const std::chrono::duration<double, std::milli> took = out.decided;
    if (took.count() > fast.budget_ms && fast.over_budget++ == 0 && alarm_)
      alarm_("frame " + std::to_string(out.frame->number) +
             ": its rules were followed later than fast.budget_ms after its arrival");
  }

  Result<void> reject(Outcome out) {
    const bool audited = out.judged_hit.has_value();
    rows_.rows.push_back({out.frame->number, out.figures.peaks, out.figures.score,
                          out.figures.resolution_angstrom, audited, out.veto, out.raw_sum});
    journal.vetoed(rows_.rows.back());
    ++report_.vetoed;
    ++report_.audit.rejected;
    if (rows_.rows.size() >= 256 || audited) ETALON_TRY(flush());
    if (!audited) return {};
    journal.audited(out.chunk, *out.judged_hit);
    ++report_.audit.audited;
    report_.audit.bytes += out.chunk.size();
    if (*out.judged_hit) ++report_.audit.hits;
    ShippedFrame whole{out.frame->number,     out.frame->time_s, std::move(out.chunk),
                       std::move(out.judged), out.raw_sum,       {},
                       out.judged_hit};
    const Stopwatch watch(report_.stages.ship);
    return shipper_.send(std::move(whole), out.since);
  }

  const Recipe& recipe_;
  const Reduction& reduction_;
  Shipper& shipper_;
  EdgeReport& report_;
  const std::function<void(const std::string&)>& alarm_;
  Vetoes rows_;
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

  // The first frame that can be read shows what the mask needs.
  Result<const Frame*> first(bool skip_unreadable) {
    while (true) {
      auto arrival = source_.next();
      if (arrival) seen_.push_back(std::move(*arrival));
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
  ETALON_ASSIGN(auto publisher, FastLoop::open_publisher(recipe, options.alarm));
  ETALON_ASSIGN(const auto source,
                open_frames(recipe, report.source, {options.interrupted, options.alarm}));
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
  ETALON_ASSIGN(const Calibration calibration, calibrate(recipe, info, **first));
  ETALON_ASSIGN(const PeakFinder8 finder,
                PeakFinder8::create(info.geometry, calibration.mask, recipe.find.parameters));
  ETALON_ASSIGN(const PeakFinder8 judge,
                PeakFinder8::create(info.geometry, calibration.mask, judge_parameters(recipe)));
  ETALON_ASSIGN(const Reduction reduction,
                Reduction::create(recipe, info.geometry, calibration.mask));
  auto veto = Veto::create(recipe.veto, info.geometry);
  if (!veto.ok()) return std::move(veto).error().in(recipe.path);
  ETALON_ASSIGN(const auto fast, FastLoop::create(recipe, calibration.mask, std::move(publisher),
                                                  {info.name, info.saturation_value,
                                                   options.instrument, options.alarm}));
  report.fast.has_rules = fast->has_rules();
  report.fast.budget_ms = recipe.fast.budget_ms;

  ShipperOptions wire;
  wire.address = options.address.empty() ? recipe.ship.address : options.address;
  wire.connect_limit = ms(recipe.ship.connect_limit_s);
  wire.silence_limit = ms(recipe.ship.silence_limit_s);
  wire.resend_after = ms(recipe.ship.resend_after_s);
  wire.window = recipe.ship.window;
  ETALON_ASSIGN(const auto shipper, Shipper::connect(wire, {info, recipe.hash, recipe.reduce.bound,
                                                            std::string(program)}));

  const auto start = Clock::now();
  auto hashing = std::async(std::launch::async, hash_files, source->files());
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  const EdgePlan plan{recipe, *veto, reduction,
                      AuditDraw(recipe.audit.seed, info.name, recipe.audit.share), *fast};
  std::vector<EdgeWorker> workers(threads, EdgeWorker(plan, finder, judge));
  Books books(recipe, reduction, *shipper, report, options.alarm);

  const auto stopped = [&] {
    return (options.interrupted != nullptr && options.interrupted->load()) ||
           shipper->asked_to_stop();
  };
  EdgeTeller teller(options.progress, info);
  std::uint64_t given = 0;
  auto next = [&]() -> std::optional<Arrival> {
    std::optional<Arrival> arrival;
    if (!stopped()) arrival = frames.next();
    if (arrival) teller.read(++given, source->lost(), source->busy_s());
    // Interrupted after the last frame it is whole all the same.
    if (!arrival && stopped()) report.complete = given == info.frames;
    return arrival;
  };
  auto flow = run_ordered<Arrival, Outcome>(
      threads, 2 * std::size_t{threads} + 2, next,
      [&](unsigned worker, Arrival job) { return workers[worker](std::move(job)); },
      [&](Outcome out) -> Result<void> {
        ETALON_TRY(books.take(std::move(out)));
        teller.taken(report, *shipper, false);
        return {};
      });
  if (flow.ok()) flow = books.flush();
  auto files = hashing.get();
  if (flow.ok() && !files.ok()) flow = files.error();
  if (flow.ok()) teller.taken(report, *shipper, true);
  if (flow.ok()) account_for(*source, report);
  if (!flow.ok()) {
    shipper->abandon(flow.error());
    return std::move(flow).error();
  }
  End end;
  end.received = report.frames;
  end.kept = report.kept;
  end.vetoed = report.vetoed;
  end.audited = report.audit.audited;
  end.lost = report.lost;
  end.raw_bytes = report.raw_bytes;
  end.raw_bytes_kept = report.raw_bytes_kept;
  end.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  end.latency_p99_ms = shipper->counters().latencies.quantile_ms(0.99);
  end.complete = report.complete;
  end.records =
      books.journal.records(recipe, info, calibration, *files, reduction.files(), report.lost);
  ETALON_ASSIGN(report.done, shipper->finish(std::move(end)));
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.shipped = shipper->counters();
  report.stages.receive = source->busy_s();
  return report;
}

}  // namespace etalon
