// The cases of the property run: every type under every bound and pattern, with and without
// regions, masks and dither, at all levels, in shapes of every rank. A number says all of a case.
#pragma once

#include <cstdint>
#include <string>

#include "codec/patterns_test.hpp"
#include "etalon/codec.hpp"

namespace etalon::property {

struct Case {
  std::uint64_t number = 0;
  DType dtype = DType::u8;
  Pattern pattern = Pattern::zeros;
  CompressOptions options;
  Array elements;

  std::string text() const;
};

// After so many numbers every type met every bound and pattern.
std::uint64_t round_length();
// About `elements` elements.
Case make_case(std::uint64_t number, std::size_t elements);

// What went wrong, or nothing; the chunk's size and what it is in.
struct Outcome {
  std::string failure;
  std::uint64_t elements = 0, raw_bytes = 0, bytes = 0;
};
Outcome run_case(const Case& one);

}  // namespace etalon::property
