// SSIM: how alike windows of two images are in mean, spread and pattern.
// Z. Wang et al., IEEE Trans. Image Process. 13 (2004) 600.
#pragma once

#include <cstddef>
#include <cstdint>

#include "analyse/pair_rows.hpp"

namespace etalon {

// The mean over all windows of 7 x 7 elements, equally weighted, that lie wholly in an image of the
// last two axes (shorter axes: all of their elements; arrays of one axis: 7). With means m, sample
// variances v and covariance c of the original's window a and the reduced one's b, and the
// original's range L:
//   (2 m_a m_b + (0.01 L)^2)(2 c + (0.03 L)^2) /
//       ((m_a^2 + m_b^2 + (0.01 L)^2)(v_a + v_b + (0.03 L)^2))
// Windows with an element that is not finite in both are left out.
class StructuralSimilarity {
 public:
  static constexpr std::size_t window = 7;

  // The range of the original's finite values, the whole's.
  StructuralSimilarity(double low, double high) : low_(low), high_(high) {}
  void add(const PairRows& block);

  double mean() const;  // NaN without windows or range
  std::uint64_t windows() const { return windows_; }
  std::uint64_t left_out() const { return left_out_; }

 private:
  // So many windows side by side from element x of the rows on.
  void add_strip(const PairRows& block, std::size_t x, std::size_t windows);

  double low_, high_, sum_ = 0;
  std::uint64_t windows_ = 0, left_out_ = 0;
};

}  // namespace etalon
