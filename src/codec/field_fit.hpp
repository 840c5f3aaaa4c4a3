// The weights under which a class is foretold best: least squares over a sample of its elements,
// from neighbours as they will be decoded. The solution takes the neighbours' errors into account,
// as Wiener's does. An element weighs as much as bits tell of its error: by how well its neighbours
// agree, so that a few wild places do not decide for all.
#pragma once

#include <vector>

#include "codec/field_loops.hpp"
#include "codec/field_model.hpp"

namespace etalon::codec {

// Gathers samples row by row; sums are taken in one order whatever the machine.
template <typename V>
class PredictorFit {
 public:
  // `step` is the quantizer's; `evenly`: all elements weigh alike.
  PredictorFit(const Features& features, double mean, double step, bool evenly);
  // Rows of n elements; their terms lie `stride` apart, all within `most_run`.
  static constexpr std::size_t most_run = 256;
  void add(const V* const* terms, const V* values, std::size_t n, std::size_t rows,
           std::size_t stride);
  // Untold where the sample does not promise more bits than weights take; `elements` are those of
  // the class.
  ClassPredictor solve(std::size_t elements);

 private:
  static constexpr std::size_t most = fit_most;  // features, and the value
  static_assert(most == max_features + 1);
  void close_block();
  double squared_error(const ClassPredictor& p) const;

  const Features& features_;
  double mean_, step_;
  bool evenly_;
  double floor_ = 0;  // of squared errors: what quantizing leaves
  std::size_t count_ = 0, filled_ = 0;
  double run_[max_features][most_run + fit_room];  // features of a run
  double block_[most][fit_room];  // features, and the value: rows one after the other
  double sums_[most][most] = {};  // of products; the value is the last
};

}  // namespace etalon::codec
