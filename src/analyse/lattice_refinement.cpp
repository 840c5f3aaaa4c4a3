#include "analyse/lattice_refinement.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace etalon {
namespace {

constexpr std::size_t parameters = 6;  // three of rotation, scale, two of the beam
constexpr double scale_sigma = 3e-3, beam_sigma_px = 2;

using Column = std::array<double, parameters>;

struct Normal {
  std::array<Column, parameters> matrix{};
  Column right{};

  void add(const std::array<Vector3, parameters>& slopes, const Vector3& residual,
           const Vector3& along, double weight_across, double weight_along) {
    // W = across (1 - s s) + along s s
    const double r_along = dot(residual, along);
    Column s{};
    for (std::size_t i = 0; i < parameters; ++i) s[i] = dot(slopes[i], along);
    for (std::size_t i = 0; i < parameters; ++i) {
      right[i] -= weight_across * (dot(slopes[i], residual) - s[i] * r_along) +
                  weight_along * s[i] * r_along;
      for (std::size_t j = 0; j <= i; ++j)
        matrix[i][j] +=
            weight_across * (dot(slopes[i], slopes[j]) - s[i] * s[j]) + weight_along * s[i] * s[j];
    }
  }
  void hold(std::size_t i, double value, double sigma) {
    matrix[i][i] += 1 / (sigma * sigma);
    right[i] -= value / (sigma * sigma);
  }

  // By Cholesky's decomposition; zero where it has none.
  Column solution() const {
    std::array<Column, parameters> l{};
    for (std::size_t i = 0; i < parameters; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double rest = matrix[i][j];
        for (std::size_t k = 0; k < j; ++k) rest -= l[i][k] * l[j][k];
        if (i == j && !(rest > 0)) return {};
        l[i][j] = i == j ? std::sqrt(rest) : rest / l[j][j];
      }
    Column x = right;
    for (std::size_t i = 0; i < parameters; ++i) {
      for (std::size_t k = 0; k < i; ++k) x[i] -= l[i][k] * x[k];
      x[i] /= l[i][i];
    }
    for (std::size_t i = parameters; i-- > 0;) {
      for (std::size_t k = i + 1; k < parameters; ++k) x[i] -= l[k][i] * x[k];
      x[i] /= l[i][i];
    }
    return x;
  }
};

// Cayley: a rotation by about |omega| radians round omega, exact to its third power.
Matrix3 small_rotation(const Vector3& omega) {
  const double x = omega[0] / 2, y = omega[1] / 2, z = omega[2] / 2;
  const double s = 1 + x * x + y * y + z * z;
  return 1 / s *
         Matrix3{1 + x * x - y * y - z * z, 2 * (x * y - z),           2 * (x * z + y),
                 2 * (x * y + z),           1 - x * x + y * y - z * z, 2 * (y * z - x),
                 2 * (x * z - y),           2 * (y * z + x),           1 - x * x - y * y + z * z};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Refinement {
 public:
  Refinement(const Matrix3& rotation, const Matrix3& basis,
             const std::vector<ReciprocalSpot>& spots, const RefinementSettings& settings)
      : basis_(basis), spots_(spots), settings_(settings) {
    fit_.rotation = rotation;
    sigma_across_ = settings.tolerances.across / 3;
    sigma_along_ = settings.tolerances.excitation / 3;
  }

  LatticeFit run() {
    // The error that is left of the orientation, in radians, of every round.
    for (const double error : {8e-3, 4e-3, 2e-3, 1e-3}) {
      assign([&](const ReciprocalSpot& spot, const Seen& seen) {
        const double all =
            settings_.tolerances.across + settings_.tolerances.excitation + error * spot.length;
        return all < 0.45 * settings_.tolerances.spacing && length(seen.residual) <= all;
      });
      step(false);
    }
    for (int round = 0; round < 4; ++round) {
      assign_by_both();
      if (fit_.explained.size() < 4) break;
      estimate_scatter();
      step(true);
    }
    assign_by_both();
    return std::move(fit_);
  }

 private:
  struct Seen {
    Vector3 q{}, along{}, index{}, residual{};
    double across = 0, excitation = 0;
  };

  Seen look(const ReciprocalSpot& spot, const Matrix3& a, const Matrix3& to_index) const {
    Seen seen;
    seen.q = spot.q + fit_.beam_dx * spot.dq_dx + fit_.beam_dy * spot.dq_dy;
    seen.along = 1 / settings_.wavenumber * (seen.q + Vector3{0, 0, settings_.wavenumber});
    seen.index = to_index * seen.q;
    for (double& h : seen.index) h = std::floor(h + 0.5);
    seen.residual = a * seen.index - seen.q;
    seen.excitation = dot(seen.residual, seen.along);
    seen.across = length(seen.residual - seen.excitation * seen.along);
    return seen;
  }

  template <typename Accept>
  void assign(Accept&& accept) {
    const Matrix3 a = fit_.scale * (fit_.rotation * basis_), to_index = inverse(a);
    fit_.explained.clear();
    seen_.clear();
    for (std::size_t i = 0; i < spots_.size(); ++i) {
      const Seen seen = look(spots_[i], a, to_index);
      if (seen.index == Vector3{} || !accept(spots_[i], seen)) continue;
      fit_.explained.push_back({i, seen.index, seen.across, seen.excitation});
      seen_.push_back(seen);
    }
  }

  void assign_by_both() {
    assign([&](const ReciprocalSpot&, const Seen& seen) {
      return seen.across <= settings_.tolerances.across &&
             std::abs(seen.excitation) <= settings_.tolerances.excitation;
    });
  }

  // From medians, so that spots of nothing do not count; not far below what a detector tells.
  void estimate_scatter() {
    std::vector<double> across, along;
    for (const auto& e : fit_.explained) {
      across.push_back(e.across);
      along.push_back(std::abs(e.excitation));
    }
    // Medians of Rayleigh's distribution and of the half-normal one.
    sigma_across_ = std::max(median(across) / 1.1774, 0.1 * settings_.pixel_width);
    sigma_along_ = std::max(median(along) / 0.6745, 0.1 * settings_.pixel_width);
  }

  void step(bool all) {
    Normal normal;
    const bool scale = all && settings_.scale, beam = all && settings_.beam;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const Seen& s = seen_[i];
      const ReciprocalSpot& spot = spots_[fit_.explained[i].spot];
      const Vector3 p = s.residual + s.q;
      std::array<Vector3, parameters> slopes{};
      slopes[0] = {0, -p[2], p[1]};  // omega x p
      slopes[1] = {p[2], 0, -p[0]};
      slopes[2] = {-p[1], p[0], 0};
      if (scale) slopes[3] = 1 / fit_.scale * p;
      if (beam) {
        slopes[4] = -1.0 * spot.dq_dx;
        slopes[5] = -1.0 * spot.dq_dy;
      }
      normal.add(slopes, s.residual, s.along, 1 / (sigma_across_ * sigma_across_),
                 1 / (sigma_along_ * sigma_along_));
    }
    for (std::size_t i = 0; i < 3; ++i) normal.hold(i, 0, 0.02);
    normal.hold(3, fit_.scale - 1, scale_sigma);
    normal.hold(4, fit_.beam_dx, beam_sigma_px);
    normal.hold(5, fit_.beam_dy, beam_sigma_px);
    const Column x = normal.solution();
    fit_.rotation = small_rotation({x[0], x[1], x[2]}) * fit_.rotation;
    fit_.scale += x[3];
    fit_.beam_dx += x[4];
    fit_.beam_dy += x[5];
  }

  const Matrix3& basis_;
  const std::vector<ReciprocalSpot>& spots_;
  const RefinementSettings& settings_;
  double sigma_across_, sigma_along_;
  LatticeFit fit_;
  std::vector<Seen> seen_;
};

}  // namespace

LatticeFit refine_lattice(const Matrix3& rotation, const Matrix3& basis,
                          const std::vector<ReciprocalSpot>& spots,
                          const RefinementSettings& settings) {
  return Refinement(rotation, basis, spots, settings).run();
}

}  // namespace etalon
