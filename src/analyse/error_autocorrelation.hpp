// How the errors of neighbouring elements go together: near 0 at every lag they are like noise, and
// sums over many elements average them out; near 1 they are patterns that do not average out.
// D. Tao et al., Int. J. High Perform. Comput. Appl. 33 (2019) 285 (Z-checker).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "analyse/pair_rows.hpp"

namespace etalon {

// R(axis, lag) = mean of (e_i - m)(e_j - m) over all pairs `lag` apart along the axis, over the
// mean of (e_i - m)^2; m is the mean error. Elements that are not finite in both arrays are in no
// pair.
class ErrorAutocorrelation {
 public:
  static constexpr std::size_t max_lag = 10;

  explicit ErrorAutocorrelation(double mean_error) : mean_(mean_error) {}
  // Pairs lie within a block. Blocks have equal ranks.
  void add(const PairRows& block);

  std::size_t rank() const { return rank_; }
  // NaN where there are no pairs or no errors; 1 <= lag <= max_lag.
  double at(std::size_t axis, std::size_t lag) const;
  struct Largest {
    std::size_t axis, lag;
    double value;
  };
  std::optional<Largest> largest() const;  // by magnitude

 private:
  struct Sum {
    double products = 0;
    std::uint64_t pairs = 0;
  };
  struct Stretch;
  static void add_pairs(const Stretch& a, const Stretch& b, std::size_t lag, std::size_t n,
                        Sum& sum);
  // From element x of a row on.
  void add_stretch(const PairRows& block, std::size_t row, std::size_t x, Stretch& own,
                   Stretch& other);

  double mean_;
  std::size_t rank_ = 0;
  Sum squares_;
  std::array<std::array<Sum, max_lag>, Shape::max_rank> sums_{};
};

}  // namespace etalon
