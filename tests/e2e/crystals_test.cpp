// Stills of the simulator through the whole of it: peaks, orientations, intensities, one set of
// merged reflections; judged by what the simulator knows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "analyse/crystal_series.hpp"
#include "sim/stills.hpp"

namespace etalon {
namespace {

// More in the long test.
std::uint64_t stills_to_try() {
  const char* const given = std::getenv("ETALON_STILLS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 60;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

struct Outcome {
  std::uint64_t hits = 0, indexed = 0;
  std::vector<double> off_deg;
  std::size_t observations = 0, strong = 0, strong_predicted = 0;
  Merged merged;
};

Outcome through(const StillsParameters& parameters) {
  const auto simulator = StillsSimulator::create(parameters);
  EXPECT_TRUE(simulator.ok()) << simulator.error().message;
  const SeriesInfo& info = simulator->info();
  CrystalSettings settings;
  settings.indexing.cell = parameters.cell;
  settings.indexing.point_group = PointGroup::named("422").value();
  const auto crystals = CrystalFinder::create(info.geometry, info.mask(), settings);
  EXPECT_TRUE(crystals.ok()) << crystals.error().message;
  auto finder = Finder::create(info.geometry, info.mask(), {});
  EXPECT_TRUE(finder.ok());
  KnownIntensities known;
  for (const Reflection& r : simulator->reflections())
    known[settings.indexing.point_group.representative(r.index)] = static_cast<double>(r.intensity);
  Outcome outcome;
  std::vector<CrystalObservations> observations;
  const auto take = [&](Still still) -> Result<void> {
    ETALON_ASSIGN(const auto peaks, finder->find(still.frame.image.view()));
    if (peaks.size() < 15) return {};
    ++outcome.hits;
    const StillCrystals found = crystals->look_at(still.frame.image.view(), peaks);
    if (found.lattices.empty()) return {};
    ++outcome.indexed;
    outcome.off_deg.push_back(misorientation_deg(still.truth.a_matrix, found.lattices[0].a_matrix,
                                                 settings.indexing.point_group));
    observations.push_back({still.frame.number, found.observations[0]});
    outcome.observations += found.observations[0].size();
    return {};
  };
  const auto ran = simulator->run(0, take);
  EXPECT_TRUE(ran.ok()) << ran.error().message;
  outcome.merged = merge(observations, settings.indexing, {}, &known);
  return outcome;
}

TEST(Crystals, OfTheSimulatorAreFoundAndMerged) {
  StillsParameters parameters;
  parameters.frames = stills_to_try();
  parameters.hit_fraction = 1;
  const Outcome o = through(parameters);
  ASSERT_GT(o.hits, parameters.frames * 9 / 10);
  EXPECT_GE(static_cast<double>(o.indexed), 0.98 * static_cast<double>(o.hits));
  EXPECT_LT(quantile(o.off_deg, 0.5), 0.05);
  EXPECT_LT(quantile(o.off_deg, 0.95), 0.2);
  EXPECT_GT(o.observations, 100 * o.indexed);
  const MergeStatistics& all = o.merged.all;
  RecordProperty("indexed", static_cast<int>(o.indexed));
  RecordProperty("cc_half", std::to_string(all.cc_half));
  RecordProperty("r_split", std::to_string(all.r_split));
  RecordProperty("truth_cc", std::to_string(all.truth_cc));
  if (parameters.frames < 1000) {
    EXPECT_GT(all.cc_half, 0.3);
    EXPECT_GT(all.truth_cc, 0.5);
  } else {
    EXPECT_GT(all.cc_half, 0.85);
    EXPECT_GT(all.truth_cc, 0.9);
    EXPECT_NEAR(all.cc_star, all.truth_cc, 0.03);
  }
}

TEST(Crystals, OfAnotherCellAreNot) {
  StillsParameters parameters;
  parameters.frames = 20;
  parameters.hit_fraction = 1;
  const auto simulator = StillsSimulator::create(parameters).value();
  const SeriesInfo& info = simulator.info();
  IndexingSettings settings;
  settings.cell = {66, 66, 51, 90, 90, 90};
  settings.point_group = PointGroup::named("422").value();
  const auto indexer = Indexer::create(info.geometry, settings).value();
  auto finder = Finder::create(info.geometry, info.mask(), {}).value();
  for (std::uint64_t i = 0; i < parameters.frames; ++i) {
    const auto peaks = finder.find(simulator.still(i).frame.image.view());
    ASSERT_TRUE(peaks.ok());
    EXPECT_TRUE(indexer.index(*peaks).empty()) << i;
  }
}

}  // namespace
}  // namespace etalon
