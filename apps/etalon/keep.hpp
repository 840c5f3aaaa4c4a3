// --keep: the science that a reduction must leave as it is, as conditions on the judge's metrics.
#pragma once

#include <string>
#include <vector>

#include "analyse/science.hpp"
#include "steer/condition.hpp"

namespace etalon::cli {

// What metrics may need.
struct Judged {
  bool places = false;             // of weak spots
  bool crystals = false;           // a cell and a point group
  bool structure_factors = false;  // that are known
};

// "peaks>=0.999,weak_bias<=0.02". Errc::usage names the place, or the metric that does not exist,
// or one that needs what is not given.
Result<Condition> parse_keep(const std::string& text, const Judged& given);

// A comparison that a reduction does not meet.
struct Broken {
  Comparison comparison;
  double found = 0;          // NaN where it could not be judged
  std::string text() const;  // "peaks >= 0.999: is 0.9951"
};
std::vector<Broken> broken(const Condition& keep, const Metrics& metrics);

}  // namespace etalon::cli
