// A head of ellipses whose projections are known exactly: what tomography is tried on.
#pragma once

#include <vector>

namespace etalon {

struct Ellipse {
  double value = 0;      // added inside
  double a = 0, b = 0;   // half axes
  double x = 0, y = 0;   // centre
  double angle_rad = 0;  // of the first axis to x
};

// Shepp and Logan (IEEE Trans. Nucl. Sci. 21 (1974) 21) with the contrasts of Toft (The Radon
// Transform, PhD thesis, 1996), in the square from -1 to 1.
const std::vector<Ellipse>& shepp_logan();

// The integral along the line x cos(theta) + y sin(theta) = s.
double line_integral(const std::vector<Ellipse>& phantom, double theta_rad, double s);
// (n, n) over the square, y upwards with rows counted from the top, each pixel the mean over
// `samples` x `samples` points.
std::vector<double> rasterize(const std::vector<Ellipse>& phantom, std::size_t n,
                              std::size_t samples = 4);

}  // namespace etalon
