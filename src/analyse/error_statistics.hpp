// What Z-checker tells of a reduction's errors beside their size, over an array or a sample of it.
#pragma once

#include <cstdint>
#include <vector>

#include "analyse/error_autocorrelation.hpp"
#include "analyse/error_spectrum.hpp"
#include "analyse/structural_similarity.hpp"
#include "etalon/codec.hpp"

namespace etalon {

class ErrorStatistics {
 public:
  // The range of the original's finite values and the mean error, both of the whole.
  ErrorStatistics(double low, double high, double mean_error)
      : autocorrelation_(mean_error), similarity_(low, high) {}
  // Neighbours are looked for within a block. Blocks have equal shapes.
  void add(const ArrayView& original, const ArrayView& reduced);

  std::uint64_t blocks() const { return blocks_; }
  const Shape& block() const { return block_; }
  const ErrorAutocorrelation& autocorrelation() const { return autocorrelation_; }
  const StructuralSimilarity& similarity() const { return similarity_; }
  const ErrorSpectrum& spectrum() const { return spectrum_; }

 private:
  std::uint64_t blocks_ = 0;
  Shape block_;
  ErrorAutocorrelation autocorrelation_;
  StructuralSimilarity similarity_;
  ErrorSpectrum spectrum_;
};

// The whole array where it has at most so many elements; else eight equal boxes with as many
// together, evenly spaced along its diagonal. The longest axes are cut first.
std::vector<Box> sample_boxes(const Shape& shape, std::uint64_t most_elements);

}  // namespace etalon
