#include "control/simulated_instrument.hpp"

#include <gtest/gtest.h>

namespace etalon {
namespace {

Action move_x(double dx_um, std::string reason = "because") {
  return {"move_sample", {{"dx_um", dx_um}}, std::move(reason), {}};
}

TEST(SimulatedInstrument, AppliesWhatItIsTold) {
  SimulatedInstrument instrument;
  ASSERT_TRUE(instrument.apply(move_x(20)).ok());
  ASSERT_TRUE(instrument.apply({"attenuate", {{"factor", 0.5}}, "", {}}).ok());
  ASSERT_TRUE(instrument.apply({"set_distance", {{"distance_m", 0.2}}, "", {}}).ok());
  const auto stopped = instrument.apply({"stop", {}, "", {}});
  ASSERT_TRUE(stopped.ok());
  EXPECT_EQ(stopped->x_um, 20);
  EXPECT_EQ(stopped->transmission, 0.5);
  EXPECT_EQ(stopped->distance_m, 0.2);
  EXPECT_FALSE(stopped->shutter_open);
  EXPECT_EQ(stopped->actions, 4U);
  EXPECT_EQ(*stopped, instrument.state());
}

TEST(SimulatedInstrument, TheSameActionIsAppliedOnce) {
  SimulatedInstrument instrument;
  ASSERT_TRUE(instrument.apply(move_x(20)).ok());
  const auto again = instrument.apply(move_x(20));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->x_um, 20);
  EXPECT_EQ(again->actions, 1U);
  const auto other = instrument.apply(move_x(20, "another reason is another action"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->x_um, 40);
}

TEST(SimulatedInstrument, ChecksWhatItKnowsWithoutDoingIt) {
  const SimulatedInstrument instrument({}, {.x_um = 100});
  EXPECT_TRUE(instrument.check(move_x(20)).ok());
  EXPECT_TRUE(instrument.check(move_x(1e6)).ok());  // limits depend on where it will be
  EXPECT_TRUE(instrument.check({"continue", {}, "", {}}).ok());
  for (const Action& wrong : {Action{"dance", {}, "", {}}, Action{"attenuate", {}, "", {}},
                              Action{"stop", {{"foo", 1.0}}, "", {}}}) {
    const auto checked = instrument.check(wrong);
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, Errc::usage);
  }
  EXPECT_EQ(instrument.state(), InstrumentState{});
}

TEST(SimulatedInstrument, RefusesToLeaveItsLimitsAndStaysWhereItIs) {
  SimulatedInstrument instrument({}, {.x_um = 100});
  ASSERT_TRUE(instrument.apply(move_x(90)).ok());
  const auto refused = instrument.apply(move_x(20));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::check);
  EXPECT_EQ(refused.error().message,
            "simulated instrument: action 'move_sample': x would be 110 um, outside -100..100 um");
  EXPECT_EQ(instrument.state().x_um, 90);
  EXPECT_EQ(instrument.state().actions, 1U);

  for (double factor : {0.0, -1.0, 3.0})
    EXPECT_EQ(instrument.apply({"attenuate", {{"factor", factor}}, "", {}}).error().code,
              Errc::check);
}

TEST(SimulatedInstrument, ARefusedActionMayBeTriedAgain) {
  SimulatedInstrument instrument({.x_um = 90}, {.x_um = 100});
  ASSERT_FALSE(instrument.apply(move_x(20)).ok());
  ASSERT_TRUE(instrument.apply(move_x(-50)).ok());
  const auto retried = instrument.apply(move_x(20));
  ASSERT_TRUE(retried.ok());
  EXPECT_EQ(retried->x_um, 60);
}

TEST(SimulatedInstrument, UnknownActionsAndParametersListWhatExists) {
  SimulatedInstrument instrument;
  const auto dance = instrument.apply({"dance", {}, "", {}});
  ASSERT_FALSE(dance.ok());
  EXPECT_EQ(dance.error().code, Errc::usage);
  EXPECT_NE(dance.error().message.find("move_sample"), std::string::npos);
  const auto typo = instrument.apply({"move_sample", {{"dx_mm", 1.0}}, "", {}});
  ASSERT_FALSE(typo.ok());
  EXPECT_NE(typo.error().message.find("dx_um"), std::string::npos);
  EXPECT_FALSE(instrument.apply({"move_sample", {{"dx_um", "far"}}, "", {}}).ok());
  EXPECT_FALSE(instrument.apply({"move_sample", {}, "", {}}).ok());
  EXPECT_FALSE(instrument.apply({"continue", {{"dx_um", 1.0}}, "", {}}).ok());
  EXPECT_EQ(instrument.state(), InstrumentState{});
}

TEST(SimulatedInstrument, ContinueAndAbstainChangeNothing) {
  SimulatedInstrument instrument;
  ASSERT_TRUE(instrument.apply({"continue", {}, "", {}}).ok());
  ASSERT_TRUE(instrument.apply({"abstain", {}, "", {}}).ok());
  EXPECT_EQ(instrument.state(), InstrumentState{});
}

TEST(AsMeasured, MovingTheSampleIntoTheBeamBringsHits) {
  StillsParameters aligned;
  aligned.frames = 40;
  aligned.ny = aligned.nx = 64;
  aligned.hit_fraction = 0.5;
  const auto hits = [&](const InstrumentState& state) {
    const auto simulator = StillsSimulator::create(as_measured(aligned, state));
    int n = 0;
    for (std::uint64_t i = 0; i < aligned.frames; ++i)
      n += simulator.value().truth(i).is_hit ? 1 : 0;
    return n;
  };
  SimulatedInstrument instrument({.x_um = 40});
  EXPECT_EQ(hits(instrument.state()), 0);
  ASSERT_TRUE(instrument.apply(move_x(-40)).ok());
  EXPECT_GT(hits(instrument.state()), 10);
}

TEST(AsMeasured, FluxFollowsTheAttenuatorAndTheShutter) {
  const StillsParameters aligned;
  EXPECT_EQ(as_measured(aligned, {.transmission = 0.25}).flux, 0.25);
  EXPECT_EQ(as_measured(aligned, {.shutter_open = false}).flux, 0);
  EXPECT_EQ(as_measured(aligned, {.distance_m = 0.3}).distance_m, 0.3);
}

}  // namespace
}  // namespace etalon
