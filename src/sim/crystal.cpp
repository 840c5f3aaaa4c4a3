#include "sim/crystal.hpp"

#include <charconv>
#include <cmath>

#include "base/exact_math.hpp"
#include "sim/random.hpp"

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

Result<std::vector<Reflection>> structure_factors(const UnitCell& cell,
                                                  const WilsonParameters& parameters,
                                                  std::uint64_t seed) {
  ETALON_TRY(check(cell));
  if (!(parameters.d_min_angstrom >= 0.3))
    return Error{Errc::usage, "structure factors: resolution must be 0.3 angstrom or coarser"};
  const double q_max = 1 / parameters.d_min_angstrom;
  if (volume(cell) * 4.2 * q_max * q_max * q_max > 0x1p24)
    return Error{Errc::usage,
                 "structure factors: more than 2^24 reflections; take a smaller cell or a coarser "
                 "resolution"};
  const Symmetry symmetry(cell);
  const Matrix3 basis = reciprocal_basis(cell);
  // |h| = |a . q| <= a * |q|
  const int h_max = static_cast<int>(cell.a * q_max), k_max = static_cast<int>(cell.b * q_max),
            l_max = static_cast<int>(cell.c * q_max);
  std::vector<Reflection> list;
  for (int h = -h_max; h <= h_max; ++h)
    for (int k = -k_max; k <= k_max; ++k)
      for (int l = -l_max; l <= l_max; ++l) {
        const Vector3 q = basis * Vector3{double(h), double(k), double(l)};
        const double q2 = q[0] * q[0] + q[1] * q[1] + q[2] * q[2];
        const Miller index{h, k, l};
        if (q2 > q_max * q_max || index == Miller{} || symmetry.is_absent(index)) continue;
        const Miller one = symmetry.representative(index);
        const auto part = [](int i) { return static_cast<std::uint64_t>(i + 8192); };
        RandomStream random({seed, part(one[0]) << 32 | part(one[1]), Purpose::structure_factor},
                            part(one[2]));
        Reflection r{index, 0, symmetry.is_centric(index),
                     static_cast<std::uint8_t>(symmetry.epsilon(index))};
        const double normal = r.centric ? random.normal() : 0;
        const double shape = r.centric ? normal * normal : random.exponential();
        r.intensity = static_cast<float>(parameters.intensity * r.epsilon * shape *
                                         exact::exp(-parameters.b_factor * q2 / 2));
        list.push_back(r);
      }
  return list;
}

Matrix3 rotation_of(double u1, double u2, double u3) {
  const auto [s2, c2] = exact::sincos_turns(u2);
  const auto [s3, c3] = exact::sincos_turns(u3);
  const double x = std::sqrt(1 - u1) * s2, y = std::sqrt(1 - u1) * c2;
  const double z = std::sqrt(u1) * s3, w = std::sqrt(u1) * c3;
  return {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
          2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
          2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
}

}  // namespace etalon
