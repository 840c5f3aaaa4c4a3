#include "pipeline/edge.hpp"

#include <algorithm>
#include <future>
#include <thread>

#include "base/posix.hpp"
#include "etalon/version.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"
#include "pipeline/calibrated_series.hpp"
#include "pipeline/calibration.hpp"
#include "pipeline/edge_records.hpp"
#include "pipeline/ordered.hpp"
#include "pipeline/reduction.hpp"

namespace etalon {
namespace {

using Clock = Shipper::Clock;

std::chrono::milliseconds ms(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

struct Job {
  Clock::time_point since;
  Result<Frame> frame;
};

// What became of one frame.
struct Outcome {
  Clock::time_point since;
  Result<Frame> frame;
  FrameSum raw_sum;
  std::vector<Peak> peaks;
  std::string veto;  // empty: kept
  Bytes chunk;
  std::optional<Error> failure;
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

  Outcome operator()(Job job) {
    Outcome out{job.since, std::move(job.frame), {}, {}, {}, {}, {}};
    if (!out.frame.ok()) return out;
    out.raw_sum = frame_sum(out.frame->image.view().bytes());
    if (auto done = search(out); !done.ok())
      out.failure = std::move(done).error().in("frame " + std::to_string(out.frame->number));
    return out;
  }

 private:
  Result<void> search(Outcome& out) {
    ETALON_ASSIGN(out.peaks, finder_.find(out.frame->image.view()));
    out.veto = veto_reason(recipe_.veto, out.peaks.size());
    if (out.veto.empty()) {
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

struct Window {
  std::uint64_t begin, end;
};

Result<Window> window_of(const Recipe& recipe, const std::string& source, std::uint64_t frames) {
  const std::uint64_t first = recipe.source.first, count = recipe.source.frames;
  if (frames == 0) return Error{Errc::malformed, source + ": holds no frames"};
  if (first >= frames || count > frames - first)
    return Error{Errc::usage, source + ": frames " + std::to_string(first) + " to " +
                                  std::to_string(first + std::max<std::uint64_t>(count, 1) - 1) +
                                  " are asked for (source.first, source.frames), it has " +
                                  std::to_string(frames)};
  return Window{first, count == 0 ? frames : first + count};
}

}  // namespace

Result<EdgeReport> run_edge(const Recipe& recipe, const EdgeOptions& options) {
  EdgeReport report;
  if (!options.source.empty()) {
    report.source = options.source;
  } else if (recipe.source.path.empty()) {
    return Error{Errc::usage, recipe.path + ": source.path is not set, and no --source is given"};
  } else {
    ETALON_ASSIGN(report.source, recipe_path(recipe, recipe.source.path));
  }
  ETALON_ASSIGN(const auto reader, open_source(recipe, report.source));
  SeriesInfo info = reader->info();
  ETALON_ASSIGN(const Window window, window_of(recipe, report.source, info.frames));
  if (!recipe.source.name.empty()) info.name = recipe.source.name;
  ETALON_TRY(place_panels(recipe, info));
  if (recipe.find.centre) {
    if (!info.geometry.places.empty())
      return Error{Errc::usage,
                   recipe.path + ": find.centre: the panels' places say where the beam is"};
    info.geometry.centre_x = (*recipe.find.centre)[0];
    info.geometry.centre_y = (*recipe.find.centre)[1];
  }
  info.frames = window.end - window.begin;
  report.series = info.name;

  // The first frame that can be read shows what the mask needs.
  std::uint64_t shown = window.begin;
  auto first_read = reader->read(shown);
  while (!first_read.ok() && recipe.source.skip_unreadable && shown + 1 < window.end)
    first_read = reader->read(++shown);
  ETALON_ASSIGN(Frame first, std::move(first_read));
  ETALON_ASSIGN(const Calibration calibration, calibrate(recipe, info, first));
  ETALON_ASSIGN(const PeakFinder8 finder,
                PeakFinder8::create(info.geometry, calibration.mask, recipe.find.parameters));
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
  auto hashing = std::async(std::launch::async, hash_files, reader->files());
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<Worker> workers(threads, Worker(recipe, finder, reduction));
  Books books(recipe, reduction, *shipper, report);

  std::uint64_t index = window.begin;
  auto next = [&]() -> std::optional<Job> {
    if (index == window.end) return {};
    if ((options.interrupted != nullptr && options.interrupted->load()) ||
        shipper->asked_to_stop()) {
      report.complete = false;
      return {};
    }
    const auto since = Clock::now();
    if (index == shown) return Job{since, (++index, std::move(first))};
    return Job{since, reader->read(index++)};
  };
  auto flow = run_ordered<Job, Outcome>(
      threads, 2 * std::size_t{threads} + 2, next,
      [&](unsigned worker, Job job) { return workers[worker](std::move(job)); },
      [&](Outcome out) -> Result<void> {
        ETALON_TRY(books.take(std::move(out)));
        if (options.progress) options.progress(report.frames, info.frames);
        return {};
      });
  if (flow.ok()) flow = books.flush();
  auto files = hashing.get();
  if (flow.ok() && !files.ok()) flow = files.error();
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
  end.records = books.journal.records(recipe, info, calibration, *files, reduction.files());
  ETALON_ASSIGN(report.done, shipper->finish(std::move(end)));
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.shipped = shipper->counters();
  return report;
}

}  // namespace etalon
