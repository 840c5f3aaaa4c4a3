// The bound that meets a target, and how closely.
#pragma once

#include "etalon/codec.hpp"

namespace etalon::codec {

struct MetTarget {
  Bound bound;
  double reached = 0;  // decibel or ratio; infinite where nothing is off
  // Where what is reached is more than 2 % above what is wanted: the reason, for people.
  std::string remark;
};

// As find_bound.
Result<MetTarget> meet_target(const ArrayView& array, const CompressOptions& options,
                              const Target& target);

}  // namespace etalon::codec
