// The unit cell of a crystal and its reciprocal lattice.
#pragma once

#include <array>
#include <string>

#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

using Matrix3 = std::array<double, 9>;  // row major
using Miller = std::array<int, 3>;      // h, k, l

Vector3 operator*(const Matrix3& m, const Vector3& v);
Matrix3 operator*(const Matrix3& m, const Matrix3& n);
Matrix3 operator*(double factor, const Matrix3& m);
Matrix3 transposed(const Matrix3& m);
double determinant(const Matrix3& m);
Matrix3 inverse(const Matrix3& m);  // of one whose determinant is not 0

struct UnitCell {
  double a = 79.1, b = 79.1, c = 37.9;       // angstrom
  double alpha = 90, beta = 90, gamma = 90;  // degrees
  bool operator==(const UnitCell&) const = default;
};

// "a,b,c,alpha,beta,gamma". Errc::usage for what is no cell: lengths in 2..2000 A, angles in
// 20..160 degrees, a volume above zero.
Result<UnitCell> parse_cell(const std::string& text);
Result<void> check(const UnitCell& cell);
double volume(const UnitCell& cell);  // cubic angstrom

// Columns a*, b*, c* in a Cartesian frame with a* along x and b* in the xy plane (Busing & Levy,
// Acta Cryst. 22 (1967) 457), 1/angstrom.
Matrix3 reciprocal_basis(const UnitCell& cell);

}  // namespace etalon
