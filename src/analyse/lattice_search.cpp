#include "analyse/lattice_search.hpp"

#include <algorithm>
#include <cmath>

namespace etalon {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double most_points = 8000;
// An orientation of two spots is off by about their excitation errors over their lengths.
constexpr double orientation_error_rad = 5e-3;
// Of the shortest lattice vector: a spot farther from every lattice point is not explained.
constexpr double widest = 0.3;

struct Triad {
  Vector3 first{}, second{}, third{};
};

// Right-handed axes: along the bisector of the two, across it in their plane, and normal to it.
std::optional<Triad> triad_of(const Vector3& u, double u_length, const Vector3& v,
                              double v_length) {
  const Vector3 bisector = 1 / u_length * u + 1 / v_length * v;
  const Vector3 normal = cross(u, v);
  const double along = length(bisector), area = length(normal);
  if (!(area > 0.1 * u_length * v_length) || !(along > 0.1)) return std::nullopt;
  const Vector3 first = 1 / along * bisector, third = 1 / area * normal;
  return Triad{first, cross(third, first), third};
}

// The rotation that takes the axes of `from` to those of `to`.
Matrix3 rotation_between(const Triad& from, const Triad& to) {
  Matrix3 out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      out[3 * i + j] =
          to.first[i] * from.first[j] + to.second[i] * from.second[j] + to.third[i] * from.third[j];
  return out;
}

double squared(double x) { return x * x; }

}  // namespace

// So long are vectors of which a sphere holds `most_points`.
double LatticeSearch::reach(const UnitCell& cell) {
  return std::cbrt(most_points / (4 * pi / 3 * volume(cell)));
}

std::vector<Miller> LatticeSearch::indices_within(const UnitCell& cell) const {
  // |h| = |a . q| <= a |q|
  const int h = static_cast<int>(cell.a * q_limit_), k = static_cast<int>(cell.b * q_limit_),
            l = static_cast<int>(cell.c * q_limit_);
  std::vector<Miller> all;
  for (int i = -h; i <= h; ++i)
    for (int j = -k; j <= k; ++j)
      for (int m = -l; m <= l; ++m) all.push_back({i, j, m});
  return all;
}

void LatticeSearch::sort_points() {
  std::stable_sort(points_.begin(), points_.end(),
                   [](const Point& a, const Point& b) { return a.length < b.length; });
}

// The length of a lattice point differs from that of the spot it makes by its excitation error
// times the sine of theta.
std::pair<std::size_t, std::size_t> LatticeSearch::shell(const ReciprocalSpot& spot) const {
  const double sine = std::abs(dot(spot.q, spot.seen)) / spot.length;
  const double off = tolerances_.across + tolerances_.excitation * sine;
  const auto shorter = [](const Point& p, double value) { return p.length < value; };
  const auto first = std::lower_bound(points_.begin(), points_.end(), spot.length - off, shorter);
  const auto last = std::lower_bound(first, points_.end(), spot.length + off, shorter);
  return {static_cast<std::size_t>(first - points_.begin()),
          static_cast<std::size_t>(last - points_.begin())};
}

std::size_t LatticeSearch::explained(const Matrix3& to_crystal,
                                     const std::vector<ReciprocalSpot>& spots,
                                     std::size_t least) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < spots.size(); ++i) {
    if (count + (spots.size() - i) < least) return 0;
    const Vector3 in_crystal = to_crystal * spots[i].q;
    Vector3 index = inverse_ * in_crystal;
    for (double& h : index) h = std::floor(h + 0.5);
    const Vector3 off = in_crystal - basis_ * index;
    const double limit =
        std::min(widest * tolerances_.spacing, tolerances_.across + tolerances_.excitation +
                                                   orientation_error_rad * spots[i].length);
    count += dot(off, off) <= limit * limit;
  }
  return count;
}

std::vector<OrientationCandidate> LatticeSearch::orientations(
    const ReciprocalSpot& one, const ReciprocalSpot& other,
    const std::vector<ReciprocalSpot>& rated, std::size_t least, std::size_t most) const {
  std::vector<OrientationCandidate> best;
  const auto seen = triad_of(one.q, one.length, other.q, other.length);
  if (!seen) return best;
  const double apart = length(one.q - other.q);
  const double off = tolerances_.across + tolerances_.excitation;
  const double nearest2 = squared(std::max(0.0, apart - off)), farthest2 = squared(apart + off);
  const auto [first, last] = shell(one);
  const auto [other_first, other_last] = shell(other);
  for (std::size_t i = first; i < last; ++i) {
    if (!points_[i].unique) continue;
    for (std::size_t j = other_first; j < other_last; ++j) {
      const Vector3 between = points_[i].q - points_[j].q;
      const double distance2 = dot(between, between);
      if (distance2 < nearest2 || distance2 > farthest2) continue;
      const auto lattice =
          triad_of(points_[i].q, points_[i].length, points_[j].q, points_[j].length);
      if (!lattice) continue;
      OrientationCandidate candidate{rotation_between(*lattice, *seen), 0};
      const std::size_t needed = best.size() < most ? least : best.back().explained + 1;
      candidate.explained = explained(transposed(candidate.rotation), rated, needed);
      if (candidate.explained < needed) continue;
      if (best.size() == most) best.pop_back();
      const auto at =
          std::upper_bound(best.begin(), best.end(), candidate,
                           [](const auto& a, const auto& b) { return a.explained > b.explained; });
      best.insert(at, candidate);
    }
  }
  return best;
}

}  // namespace etalon
