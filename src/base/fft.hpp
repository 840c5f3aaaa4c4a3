// Discrete Fourier transforms of any length from sums and products in a fixed order: the same bits
// everywhere.
#pragma once

#include <cstddef>
#include <vector>

namespace etalon {

enum class Direction { forward, backward };  // exp(-2 pi i jk/n); exp(+2 pi i jk/n), without 1/n

// Of one length: a pass for each prime factor, in Stockham's order, which needs no reordering (Van
// Loan, Computational Frameworks for the Fast Fourier Transform, 1992). Thread-safe.
class Fft {
 public:
  explicit Fft(std::size_t n);  // n >= 1
  std::size_t size() const { return n_; }
  // `lanes` transforms side by side in place: number j of transform l is re[j * lanes + l],
  // im[...]. `work` has room for 2 * n * lanes numbers.
  void transform(double* re, double* im, double* work, std::size_t lanes,
                 Direction direction) const;

 private:
  std::size_t n_;
  std::vector<std::size_t> factors_;
  std::vector<double> cosine_, sine_;  // of k/n turns
};

// Wave number of element j of n: 0, 1, .. then the negative ones.
inline double signed_frequency(std::size_t j, std::size_t n) {
  return static_cast<double>(j) - (2 * j > n ? static_cast<double>(n) : 0.0);
}

}  // namespace etalon
