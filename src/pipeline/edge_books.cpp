#include "pipeline/edge_books.hpp"

#include <utility>

#include "base/stopwatch.hpp"

namespace etalon {

using Clock = std::chrono::steady_clock;

Result<void> EdgeBooks::take(Outcome out) {
  ++report_.frames;
  if (!out.frame.ok()) return lose(std::move(out));
  if (out.failure) return std::move(*out.failure).in(report_.source);
  report_.stages.receive += out.stages.receive;
  report_.stages.checksum += out.stages.checksum;
  report_.stages.find += out.stages.find;
  report_.stages.reduce += out.stages.reduce;
  const std::uint64_t bytes = out.frame->image.view().size_bytes();
  report_.raw_bytes += bytes;
  if (report_.fast.has_rules) ETALON_TRY(follow(out));
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

Result<void> EdgeBooks::flush() {
  flushed_ = Clock::now();
  if (rows_.rows.empty()) return {};
  return dispatch_.send(std::exchange(rows_, {}));
}

// What a detector sent damaged is lost; a file that cannot be read ends the run, unless it is asked
// for what there is.
Result<void> EdgeBooks::lose(Outcome out) {
  if (!out.is_damaged && !recipe_.source.skip_unreadable) return std::move(out.frame).error();
  const char* const cause = out.is_damaged ? "damaged" : "unreadable";
  const std::uint64_t count = ++report_.lost[cause];
  if (out.is_damaged) alarms_.count("images damaged, the last: ", count, out.frame.error().message);
  return {};
}

Result<void> EdgeBooks::follow(const Outcome& out) {
  FastReport& fast = report_.fast;
  fast.actions += out.actions.size();
  fast.latencies.add(out.decided);
  const std::chrono::duration<double, std::milli> took = out.decided;
  if (took.count() > fast.budget_ms && fast.over_budget++ == 0)
    alarms_.word("frame " + std::to_string(out.frame->number) +
                 ": its rules were followed later than fast.budget_ms after its arrival");
  return dispatch_.act(out.actions);
}

Result<void> EdgeBooks::reject(Outcome out) {
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
    const bool due = rows_.rows.size() >= 256 || dispatch_.is_impatient(Clock::now() - flushed_);
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

}  // namespace etalon
