#include "steer/rules.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace etalon {
namespace {

const std::vector<std::string> known{"hit_rate", "saturated_fraction"};

RuleTable table(std::uint64_t min_frames = 1) {
  return RuleTable::create(
             {{"hit_rate < 5%", "move_sample", {{"dx_um", 20.0}}},
              {"saturated_fraction > 0.01 and hit_rate >= 0.05", "attenuate", {{"factor", 0.5}}}},
             {.otherwise = "continue", .min_frames = min_frames}, known)
      .value();
}

TEST(RuleTable, TheFirstRuleThatHoldsDecides) {
  const auto low = table().decide({{"hit_rate", 0.02}, {"saturated_fraction", 0.5}}, 100, {});
  ASSERT_TRUE(low.ok());
  EXPECT_EQ(low->action, "move_sample");
  EXPECT_EQ(std::get<double>(low->parameters.at("dx_um")), 20);
  EXPECT_EQ(low->reason, "rule 1 holds: hit_rate < 0.05 (hit_rate = 0.02, 100 frames)");

  const auto bright = table().decide({{"hit_rate", 0.05}, {"saturated_fraction", 0.5}}, 100, {});
  ASSERT_TRUE(bright.ok());
  EXPECT_EQ(bright->action, "attenuate");

  const auto fine = table().decide({{"hit_rate", 0.3}, {"saturated_fraction", 0.0}}, 100, {});
  ASSERT_TRUE(fine.ok());
  EXPECT_EQ(fine->action, "continue");
  EXPECT_TRUE(fine->parameters.empty());
}

TEST(RuleTable, AbstainsOnThinEvidence) {
  const auto action = table(50).decide({{"hit_rate", 0.0}, {"saturated_fraction", 0.0}}, 49, {});
  ASSERT_TRUE(action.ok());
  EXPECT_EQ(action->action, "abstain");
  EXPECT_EQ(action->reason, "too little evidence: 49 frames, at least 50 are needed");
}

TEST(RuleTable, AbstainsWhenAMetricIsNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto action = table().decide({{"hit_rate", nan}, {"saturated_fraction", 1.0}}, 100, {});
  ASSERT_TRUE(action.ok());
  EXPECT_EQ(action->action, "abstain");
  EXPECT_NE(action->reason.find("'hit_rate' is not a number"), std::string::npos);
}

TEST(RuleTable, UnknownMetricsAreRefusedWithTheListOfKnownOnes) {
  const auto bad = RuleTable::create({{"hitrate < 1", "stop", {}}}, {}, known);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Errc::usage);
  EXPECT_EQ(bad.error().message,
            "rule 1: when = \"hitrate < 1\": metric 'hitrate' does not exist; there are: "
            "hit_rate, saturated_fraction");
  const auto absent = table().decide({{"saturated_fraction", 1.0}}, 100, {});
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, Errc::usage);
}

TEST(RuleTable, SenselessTablesAreRefused) {
  EXPECT_FALSE(RuleTable::create({{"hit_rate < 1", "", {}}}, {}, known).ok());
  EXPECT_FALSE(RuleTable::create({}, {.otherwise = ""}, known).ok());
  EXPECT_FALSE(RuleTable::create({{"hit_rate <", "stop", {}}}, {}, known).ok());
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(
      RuleTable::create({{"hit_rate < 1", "attenuate", {{"factor", infinite}}}}, {}, known).ok());
}

TEST(RuleTable, DecidesTheSameAgain) {
  const Metrics metrics{{"hit_rate", 0.02}, {"saturated_fraction", 0.0}};
  const Hash evidence = sha256(bytes_of("a record"));
  const auto one = table().decide(metrics, 10, {evidence});
  const auto two = table().decide(metrics, 10, {evidence});
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(*one, *two);
  EXPECT_EQ(one->id(), two->id());
  EXPECT_EQ(one->evidence, std::vector<Hash>{evidence});
}

TEST(Action, EveryPartIsInTheId) {
  const Action action{"move_sample", {{"dx_um", 1.0}}, "reason", {sha256(bytes_of("x"))}};
  Action other = action;
  other.action = "stop";
  EXPECT_NE(other.id(), action.id());
  other = action;
  other.parameters["dx_um"] = 2.0;
  EXPECT_NE(other.id(), action.id());
  other = action;
  other.parameters["dx_um"] = "1";
  EXPECT_NE(other.id(), action.id());
  other = action;
  other.reason += "!";
  EXPECT_NE(other.id(), action.id());
  other = action;
  other.evidence.clear();
  EXPECT_NE(other.id(), action.id());
}

}  // namespace
}  // namespace etalon
