// Weak spots under plain rounding, clamped and true dither: the bias of their sums beside the ratio
// each reaches. Nothing is timed: the counters are the results. run.py prints the table.
#include "weak_spots.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <map>

namespace {

using namespace etalon;
using namespace etalon::bench;

// The half-width of the 99 % interval that frames are counted for, as a share of the true mean: an
// unbiased reduction then lies within twice of it 99 times in 100.
constexpr double interval = 0.005;
constexpr Treatment treatments[] = {Treatment::plain, Treatment::clamped, Treatment::dither};

const std::vector<Outcome>& outcomes(unsigned bound) {
  static const WeakSpotExperiment experiment{WeakSpots{}};
  static std::map<unsigned, std::vector<Outcome>> known;
  const auto found = known.find(bound);
  if (found != known.end()) return found->second;
  auto run = experiment.run(bound, experiment.frames_needed(bound, interval), treatments);
  if (!run.ok()) std::fprintf(stderr, "%s\n", run.error().message.c_str());
  return known[bound] = run.ok() ? *run : std::vector<Outcome>{};
}

void show(benchmark::State& state, unsigned bound, Treatment treatment) {
  const std::vector<Outcome>& found = outcomes(bound);
  if (found.empty()) return state.SkipWithError("cannot be coded");
  for (auto _ : state) benchmark::ClobberMemory();
  const Outcome& o = found[static_cast<std::size_t>(treatment)];
  state.counters["spots"] = static_cast<double>(o.spots);
  state.counters["true_mean"] = o.true_mean;
  state.counters["bias"] = o.bias;
  state.counters["half_width"] = o.half_width;
  state.counters["offset"] = o.offset;
  state.counters["ratio"] = o.ratio;
  state.counters["two_percent_over_worst"] = 0.02 / o.worst();
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const unsigned bound : {1U, 2U, 3U})
    for (const Treatment treatment : treatments)
      benchmark::RegisterBenchmark(
          ("weak_spots/abs:" + std::to_string(bound) + "/" + name_of(treatment)).c_str(),
          [bound, treatment](benchmark::State& state) { show(state, bound, treatment); })
          ->Iterations(1);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
