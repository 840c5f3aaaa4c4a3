// What the golden files hold: made from integers alone, so that any machine makes the same.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"

namespace etalon::golden {

struct Good {
  std::string name;
  Bytes bytes;  // a container or a chunk
  Array decoded;
};
struct Bad {
  std::string name;
  Bytes bytes;
  std::string reason;  // part of the message that refuses it
};

// Every engine, predictor and section; all element types.
std::vector<Good> good_cases();
std::vector<Bad> bad_cases();
// Other arrays of the same kinds, from a seed.
std::vector<Good> fresh_cases(std::uint64_t seed);

}  // namespace etalon::golden
