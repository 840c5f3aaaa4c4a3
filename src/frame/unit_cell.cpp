#include "frame/unit_cell.hpp"

#include <charconv>
#include <cmath>

#include "base/exact_math.hpp"

namespace etalon {
namespace {

double cosine(double degrees) { return exact::sincos_turns(degrees / 360).second; }
double sine(double degrees) { return exact::sincos_turns(degrees / 360).first; }

// Squared volume of the cell with edges of one; not positive where the angles make no cell.
double unit_volume_squared(const UnitCell& cell) {
  const double x = cosine(cell.alpha), y = cosine(cell.beta), z = cosine(cell.gamma);
  return 1 - x * x - y * y - z * z + 2 * x * y * z;
}

}  // namespace

Vector3 operator*(const Matrix3& m, const Vector3& v) {
  Vector3 out{};
  for (std::size_t i = 0; i < 3; ++i)
    out[i] = m[3 * i] * v[0] + m[3 * i + 1] * v[1] + m[3 * i + 2] * v[2];
  return out;
}

Matrix3 operator*(const Matrix3& m, const Matrix3& n) {
  Matrix3 out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      out[3 * i + j] = m[3 * i] * n[j] + m[3 * i + 1] * n[3 + j] + m[3 * i + 2] * n[6 + j];
  return out;
}

Matrix3 operator*(double factor, const Matrix3& m) {
  Matrix3 out = m;
  for (double& value : out) value *= factor;
  return out;
}

Matrix3 transposed(const Matrix3& m) {
  return {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]};
}

double determinant(const Matrix3& m) {
  return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
         m[2] * (m[3] * m[7] - m[4] * m[6]);
}

Matrix3 inverse(const Matrix3& m) {
  const Matrix3 adjugate{
      m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
      m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
      m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  return 1 / determinant(m) * adjugate;
}

Result<void> check(const UnitCell& cell) {
  for (double edge : {cell.a, cell.b, cell.c})
    if (!(edge >= 2 && edge <= 2000))
      return Error{Errc::usage, "cell: edges must lie in 2..2000 angstrom"};
  for (double angle : {cell.alpha, cell.beta, cell.gamma})
    if (!(angle >= 20 && angle <= 160))
      return Error{Errc::usage, "cell: angles must lie in 20..160 degrees"};
  if (!(unit_volume_squared(cell) > 1e-6))
    return Error{Errc::usage, "cell: no cell has these three angles"};
  return {};
}

Result<UnitCell> parse_cell(const std::string& text) {
  UnitCell cell;
  const std::array<double*, 6> parts{&cell.a,     &cell.b,    &cell.c,
                                     &cell.alpha, &cell.beta, &cell.gamma};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    const bool last = i + 1 == parts.size();
    if (error != std::errc{} || (last ? next != end : next == end || *next != ','))
      return Error{Errc::usage, "cell: '" + text + "' is not a,b,c,alpha,beta,gamma"};
    at = next + 1;
  }
  ETALON_TRY(check(cell));
  return cell;
}

double volume(const UnitCell& cell) {
  return cell.a * cell.b * cell.c * std::sqrt(unit_volume_squared(cell));
}

Matrix3 reciprocal_basis(const UnitCell& cell) {
  const double v = volume(cell);
  const double ca = cosine(cell.alpha), cb = cosine(cell.beta), cg = cosine(cell.gamma);
  const double a_star = cell.b * cell.c * sine(cell.alpha) / v;
  const double b_star = cell.a * cell.c * sine(cell.beta) / v;
  const double c_star = cell.a * cell.b * sine(cell.gamma) / v;
  const double cos_gamma_star = (ca * cb - cg) / (sine(cell.alpha) * sine(cell.beta));
  const double cos_beta_star = (ca * cg - cb) / (sine(cell.alpha) * sine(cell.gamma));
  const double sin_gamma_star = std::sqrt(1 - cos_gamma_star * cos_gamma_star);
  const double sin_beta_star = std::sqrt(1 - cos_beta_star * cos_beta_star);
  return {a_star,
          b_star * cos_gamma_star,
          c_star * cos_beta_star,
          0,
          b_star * sin_gamma_star,
          -c_star * sin_beta_star * ca,
          0,
          0,
          1 / cell.c};
}

}  // namespace etalon
