#include "pipeline/edge_worker.hpp"

#include "base/stopwatch.hpp"

namespace etalon {

Outcome EdgeWorker::operator()(Arrival job) {
  double unpacking_s = 0;
  {
    const Stopwatch watch(unpacking_s);
    job.unpack();
  }
  Outcome out(job.since, std::move(job.frame));
  out.is_damaged = job.is_damaged;
  out.stages.receive = unpacking_s;
  if (!out.frame.ok()) return out;
  {
    const Stopwatch watch(out.stages.checksum);
    out.raw_sum = frame_sum(out.frame->image.view().bytes());
  }
  if (auto done = search(out); !done.ok())
    out.failure = std::move(done).error().in("frame " + std::to_string(out.frame->number));
  return out;
}

Result<void> EdgeWorker::search(Outcome& out) {
  {
    const Stopwatch watch(out.stages.find);
    ETALON_ASSIGN(out.peaks, finder_.find(out.frame->image.view()));
  }
  out.figures = plan_.veto.figures(out.peaks);
  if (plan_.fast.has_rules()) {
    ETALON_ASSIGN(out.actions, plan_.fast.consider(*out.frame, out.peaks, out.figures, out.since));
    out.decided = std::chrono::steady_clock::now() - out.since;
  }
  out.veto = plan_.veto.reason(out.figures);
  if (!out.veto.empty()) return audit(out);
  const Stopwatch watch(out.stages.reduce);
  ETALON_ASSIGN(out.chunk, plan_.reduction.encode(*out.frame, out.peaks, scratch_));
  return {};
}

// A rejected frame that is drawn is kept whole, and judged by more sensitive eyes.
Result<void> EdgeWorker::audit(Outcome& out) {
  const Recipe::Audit& how = plan_.recipe.audit;
  if (!plan_.audited(out.frame->number)) return {};
  {
    const Stopwatch watch(out.stages.find);
    ETALON_ASSIGN(out.judged, judge_.find(out.frame->image.view()));
    const std::uint64_t enough = how.min_peaks.value_or(plan_.recipe.veto.min_peaks);
    out.judged_hit = plan_.veto.reason(plan_.veto.figures(out.judged), enough).empty();
  }
  const Stopwatch watch(out.stages.reduce);
  ETALON_ASSIGN(out.chunk, plan_.reduction.encode_whole(*out.frame, scratch_));
  return {};
}

}  // namespace etalon
