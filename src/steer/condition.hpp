// The language of `when`: comparisons of a metric with a number, joined by `and` or
// a comma.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"

namespace etalon {

// Named numbers a rule may look at: hit_rate, saturated_fraction, ...
using Metrics = std::map<std::string, double, std::less<>>;

struct Comparison {
  enum class Operator : std::uint8_t { less, less_equal, greater, greater_equal, equal, not_equal };

  std::string metric;
  Operator op = Operator::less;
  double number = 0;

  bool operator==(const Comparison&) const = default;
};

// condition  = comparison { ( "and" | "," ) comparison }
// comparison = identifier ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) number
// identifier = letter or "_", then letters, digits, "_" or "."
// number     = decimal, finite, with an optional sign and exponent; "%" after it divides by 100
// At most 64 comparisons and 4096 characters. Nothing else is understood: no calls, no arithmetic.
struct Condition {
  std::vector<Comparison> comparisons;

  bool operator==(const Condition&) const = default;
};

// Errc::usage names the column (from 1) and what was expected there.
Result<Condition> parse_condition(std::string_view text);
std::string to_string(const Condition& condition);  // parses back to an equal condition

// Whether every comparison holds. Errc::usage when a metric does not exist, and lists those that
// do; Errc::check when a metric it looks at is not a number.
Result<bool> holds(const Condition& condition, const Metrics& metrics);

}  // namespace etalon
