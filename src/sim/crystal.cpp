#include "sim/crystal.hpp"

#include <cmath>

#include "base/exact_math.hpp"
#include "sim/random.hpp"

namespace etalon {
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
