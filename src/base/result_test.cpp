#include "etalon/result.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace etalon {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{Errc::usage, std::to_string(n) + ": odd"};
  return n / 2;
}
Result<int> quarter(int n) {
  ETALON_ASSIGN(const int h, half(n));
  ETALON_ASSIGN(const int q, half(h));
  return q;
}
Result<void> is_even(int n) {
  ETALON_TRY(half(n));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(*half(4), 2);
  EXPECT_TRUE(half(4));
  const auto odd = half(3);
  EXPECT_FALSE(odd.ok());
  EXPECT_EQ(odd.error().code, Errc::usage);
  EXPECT_EQ(odd.error().message, "3: odd");
}

TEST(Result, ErrorsLeaveEarly) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "3: odd");
  EXPECT_TRUE(is_even(2).ok());
  EXPECT_FALSE(is_even(1).ok());
}

TEST(Result, CarriesWhatCanOnlyMove) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, AnErrorGainsItsPlace) {
  EXPECT_EQ(half(3).error().in("a.toml").message, "a.toml: 3: odd");
  EXPECT_EQ(half(3).error().in("a.toml").code, Errc::usage);
}

TEST(Errc, NumbersAreTheExitCodes) {
  EXPECT_EQ(exit_code(Errc::io), 1);
  EXPECT_EQ(exit_code(Errc::usage), 2);
  EXPECT_EQ(exit_code(Errc::malformed), 3);
  EXPECT_EQ(exit_code(Errc::check), 4);
  EXPECT_EQ(exit_code(Errc::missing), 5);
  EXPECT_EQ(exit_code(Errc::interrupted), 130);
}

}  // namespace
}  // namespace etalon
