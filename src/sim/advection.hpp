// Semi-Lagrangian advection along one axis of a periodic grid: values move by any distance, and
// what lies between the grid's points comes from Lagrange's polynomial through six of them.
#pragma once

#include <array>
#include <cstddef>

namespace etalon {

// Weights of the points -2 .. 3 for a place u in [0, 1) between points 0 and 1; they add up to 1.
std::array<double, 6> lagrange6(double u);

// `run` lines side by side: element j of line l lies at first[j * stride + l], l < run <= stride.
struct Lines {
  double* first;
  std::size_t n, stride, run;
};

// f(j) becomes f(j - shift), the line being periodic; a line's sum stays, but for rounding.
void shift_lines(const Lines& lines, double shift);

}  // namespace etalon
