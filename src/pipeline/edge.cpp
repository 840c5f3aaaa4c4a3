#include "pipeline/edge.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "base/posix.hpp"
#include "base/stopwatch.hpp"
#include "etalon/version.hpp"
#include "kernels/finder/finder.hpp"
#include "pipeline/calibration.hpp"
#include "pipeline/edge_records.hpp"
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
  Worker(const Recipe& recipe, Finder finder, const Reduction& reduction)
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
  Finder finder_;
  const Reduction& reduction_;
};

// Takes the outcomes in order: ships them and keeps the books.
class Books {
 public:
  Books(const Recipe& recipe, const Reduction& reduction, Shipper& shipper, EdgeReport& report)
      : recipe_(recipe), reduction_(reduction), shipper_(shipper), report_(report) {}

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
    if (!out.veto.empty()) {
      rows_.rows.push_back({out.frame->number, out.peaks.size(), out.veto, out.raw_sum});
      journal.vetoed(rows_.rows.back());
      ++report_.vetoed;
      return rows_.rows.size() < 256 ? Result<void>() : flush();
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
  const Recipe& recipe_;
  const Reduction& reduction_;
  Shipper& shipper_;
  EdgeReport& report_;
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

  Lookahead frames(*source);
  auto first = frames.first(recipe.source.skip_unreadable);
  if (!first.ok()) return std::move(first).error();
  ETALON_ASSIGN(const Calibration calibration, calibrate(recipe, info, **first));
  ETALON_ASSIGN(const Finder finder, Finder::create(info.geometry, calibration.mask, recipe.find));
  ETALON_ASSIGN(const Reduction reduction,
                Reduction::create(recipe, info.geometry, calibration.mask));

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
  std::vector<Worker> workers(threads, Worker(recipe, finder, reduction));
  Books books(recipe, reduction, *shipper, report);

  const auto stopped = [&] {
    return (options.interrupted != nullptr && options.interrupted->load()) ||
           shipper->asked_to_stop();
  };
  std::uint64_t given = 0;
  auto next = [&]() -> std::optional<Arrival> {
    std::optional<Arrival> arrival;
    if (!stopped()) arrival = frames.next();
    if (arrival) ++given;
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
  if (!flow.ok()) {
    shipper->abandon(flow.error());
    return std::move(flow).error();
  }
  End end;
  end.received = report.frames;
  end.kept = report.kept;
  end.vetoed = report.vetoed;
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
