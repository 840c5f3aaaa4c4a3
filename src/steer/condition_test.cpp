#include "steer/condition.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace etalon {
namespace {

using Operator = Comparison::Operator;

TEST(Condition, ReadsComparisonsJoinedByAnd) {
  const auto condition = parse_condition(" hit_rate<5% and  detector.max >= -1.5e3\tand a!=+.5 ");
  ASSERT_TRUE(condition.ok());
  const std::vector<Comparison> expected{{"hit_rate", Operator::less, 0.05},
                                         {"detector.max", Operator::greater_equal, -1500},
                                         {"a", Operator::not_equal, 0.5}};
  EXPECT_EQ(condition->comparisons, expected);
  EXPECT_EQ(parse_condition("hit_rate<5%,detector.max>=-1.5e3 , a!=.5").value(), *condition);
}

TEST(Condition, PrintsWhatItReadsBack) {
  for (const char* text : {"a < 0.1", "a <= 1e-300 and b > 2", "x == 0 and y != -3.25"}) {
    const auto condition = parse_condition(text);
    ASSERT_TRUE(condition.ok()) << text;
    EXPECT_EQ(parse_condition(to_string(*condition)).value(), *condition);
  }
  EXPECT_EQ(to_string(parse_condition("a<0.1 and b>2").value()), "a < 0.1 and b > 2");
}

TEST(Condition, ErrorsNameColumnAndExpectation) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "column 1: expected the name of a metric"},
      {"3 < 4", "column 1: expected the name of a metric"},
      {"hit_rate", "column 9: expected one of < <= > >= == !="},
      {"hit_rate = 3", "column 10: expected one of < <= > >= == !="},
      {"hit_rate < ", "column 12: expected a number"},
      {"hit_rate < inf", "column 12: expected a number"},
      {"hit_rate < nan", "column 12: expected a number"},
      {"hit_rate < - 3", "column 12: expected a number"},
      {"hit_rate < +-3", "column 12: expected a number"},
      {"hit_rate < 1e999", "column 12: expected a number within range"},
      {"hit_rate < 3 or b > 2", "column 14: expected 'and', ',' or the end"},
      {"hit_rate < 3and b > 2", "column 13: expected a blank after the number"},
      {"hit_rate < 3,", "column 14: expected the name of a metric"},
      {",a < 3", "column 1: expected the name of a metric"},
      {"hit_rate < 3 and", "column 17: expected the name of a metric"},
      {"and < 3", "column 1: expected the name of a metric"},
      {"system(1) < 3", "column 7: expected one of < <= > >= == !="},
  };
  for (const auto& [text, message] : cases) {
    const auto condition = parse_condition(text);
    ASSERT_FALSE(condition.ok()) << text;
    EXPECT_EQ(condition.error().code, Errc::usage);
    EXPECT_EQ(condition.error().message, message) << text;
  }
}

TEST(Condition, LengthIsLimited) {
  EXPECT_FALSE(parse_condition(std::string(5000, ' ') + "a < 1").ok());
  std::string many = "a < 1";
  for (int i = 0; i < 63; ++i) many += " and a < 1";
  EXPECT_TRUE(parse_condition(many).ok());
  EXPECT_FALSE(parse_condition(many + " and a < 1").ok());
}

TEST(Condition, EveryOperatorMeansWhatItSays) {
  const auto held = [](const std::string& text, double a) {
    return holds(parse_condition(text).value(), {{"a", a}}).value();
  };
  EXPECT_TRUE(held("a < 2", 1) && !held("a < 2", 2));
  EXPECT_TRUE(held("a <= 2", 2) && !held("a <= 2", 3));
  EXPECT_TRUE(held("a > 2", 3) && !held("a > 2", 2));
  EXPECT_TRUE(held("a >= 2", 2) && !held("a >= 2", 1));
  EXPECT_TRUE(held("a == 2", 2) && !held("a == 2", 3));
  EXPECT_TRUE(held("a != 2", 3) && !held("a != 2", 2));
  EXPECT_TRUE(held("a > 1 and a < 3", 2));
  EXPECT_FALSE(held("a > 1 and a < 3", 3));
  EXPECT_FALSE(held("a > 1 and a < 3", 1));
}

TEST(Condition, AMissingMetricIsAnErrorEvenWhenTheRestIsFalse) {
  const auto condition = parse_condition("a > 1 and b > 1").value();
  EXPECT_EQ(holds(condition, {{"a", 0}}).error().code, Errc::usage);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(holds(condition, {{"a", 0}, {"b", nan}}).error().code, Errc::check);
}

}  // namespace
}  // namespace etalon
