#include "analyse/indexing.hpp"

#include <algorithm>
#include <cmath>

#include "analyse/lattice_refinement.hpp"
#include "analyse/lattice_search.hpp"
#include "base/binomial.hpp"

namespace etalon {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr std::size_t most_peaks = 2000;
constexpr std::size_t most_rated = 40;     // spots of lowest angle, that candidates are rated on
constexpr std::size_t most_in_pairs = 30;  // spots of lowest angle, that make pairs
constexpr std::size_t most_pairs = 300;
constexpr std::size_t enough_pairs = 60;  // when a lattice is found that explains less than half
constexpr std::size_t best_of_a_pair = 3;

int multiplicity(char centring) {
  switch (centring) {
    case 'P':
      return 1;
    case 'A':
    case 'B':
    case 'C':
    case 'I':
      return 2;
    case 'R':
      return 3;
    case 'F':
      return 4;
    default:
      return 0;
  }
}

bool even(int n) { return n % 2 == 0; }

bool present(char centring, const Miller& h) {
  switch (centring) {
    case 'A':
      return even(h[1] + h[2]);
    case 'B':
      return even(h[0] + h[2]);
    case 'C':
      return even(h[0] + h[1]);
    case 'I':
      return even(h[0] + h[1] + h[2]);
    case 'F':
      return even(h[0] + h[1]) && even(h[1] + h[2]);
    case 'R':
      return (-h[0] + h[1] + h[2]) % 3 == 0;
    default:
      return true;
  }
}

Result<void> check(const IndexingSettings& s) {
  ETALON_TRY(etalon::check(s.cell));
  ETALON_TRY(s.point_group.fits(s.cell));
  if (multiplicity(s.centring) == 0)
    return Error{Errc::usage,
                 std::string("centring '") + s.centring + "': there are P, A, B, C, I, F and R"};
  const auto above_0 = [](double value, const char* name) -> Result<void> {
    if (value > 0 && std::isfinite(value)) return {};
    return Error{Errc::usage, std::string(name) + ": must be above 0"};
  };
  ETALON_TRY(above_0(s.tolerance_px, "tolerance on the detector"));
  ETALON_TRY(above_0(s.max_excitation, "largest excitation error"));
  ETALON_TRY(above_0(s.max_chance, "largest chance"));
  if (!(s.min_fraction >= 0 && s.min_fraction <= 1))
    return Error{Errc::usage, "least share of peaks: must lie in 0..1"};
  if (s.min_peaks < 4)
    return Error{Errc::usage, "fewest peaks of a lattice: three rotations need 4 or more"};
  return {};
}

// The shortest vector of the lattice, among those of indices up to 3.
template <typename Present>
double shortest(const Matrix3& basis, Present&& is_present) {
  double least = 1e300;
  for (int h = -3; h <= 3; ++h)
    for (int k = -3; k <= 3; ++k)
      for (int l = -3; l <= 3; ++l)
        if (const Miller index{h, k, l}; index != Miller{} && is_present(index))
          least = std::min(least, length(basis * Vector3{double(h), double(k), double(l)}));
  return least;
}

}  // namespace

struct Indexer::Impl {
  IndexingSettings settings;
  ScatteringMap map;
  Matrix3 basis;
  RefinementSettings refinement;
  LatticeSearch search;

  std::vector<ReciprocalSpot> spots_of(std::span<const Peak> peaks) const;
  std::optional<CrystalLattice> one_lattice(const std::vector<ReciprocalSpot>& spots) const;
  bool is_lattice(const LatticeFit& fit, const std::vector<ReciprocalSpot>& spots) const;
  double chance(std::size_t explained, const std::vector<ReciprocalSpot>& spots) const;
  CrystalLattice described(const LatticeFit& fit, const std::vector<ReciprocalSpot>& spots) const;
};

Result<Indexer> Indexer::create(const Geometry& geometry, const IndexingSettings& settings) {
  if (auto checked = check(settings); !checked.ok())
    return std::move(checked).error().in("indexing");
  ETALON_ASSIGN(ScatteringMap map, ScatteringMap::create(geometry));
  const Matrix3 basis = reciprocal_basis(settings.cell);
  const auto is_there = [&](const Miller& h) { return etalon::present(settings.centring, h); };
  RefinementSettings refinement;
  refinement.tolerances = {settings.tolerance_px * map.pixel_width(), settings.max_excitation,
                           shortest(basis, is_there)};
  refinement.wavenumber = map.wavenumber();
  refinement.pixel_width = map.pixel_width();
  refinement.scale = settings.refine_scale;
  refinement.beam = settings.refine_beam;
  LatticeSearch search(basis, settings.cell, settings.point_group, map.q_max(),
                       refinement.tolerances, is_there);
  return Indexer(std::make_shared<const Impl>(
      Impl{settings, std::move(map), basis, refinement, std::move(search)}));
}

const IndexingSettings& Indexer::settings() const { return impl_->settings; }
const ScatteringMap& Indexer::map() const { return impl_->map; }
const Matrix3& Indexer::basis() const { return impl_->basis; }
bool Indexer::is_present(const Miller& h) const {
  return etalon::present(impl_->settings.centring, h);
}

// Shortest q first.
std::vector<ReciprocalSpot> Indexer::Impl::spots_of(std::span<const Peak> peaks) const {
  std::vector<std::size_t> order(peaks.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return peaks[a].intensity > peaks[b].intensity;
  });
  order.resize(std::min(order.size(), most_peaks));
  std::vector<ReciprocalSpot> spots;
  for (const std::size_t i : order) {
    const double x = static_cast<double>(peaks[i].x), y = static_cast<double>(peaks[i].y);
    const auto q = map.q_at({x, y});
    if (!q || !(length(*q) > 0)) continue;
    // A step to the side that has pixels.
    const auto slope = [&](double dx, double dy) {
      if (const auto next = map.q_at({x + dx, y + dy})) return *next - *q;
      if (const auto before = map.q_at({x - dx, y - dy})) return *q - *before;
      return Vector3{};
    };
    ReciprocalSpot spot;
    spot.peak = i;
    spot.q = *q;
    spot.length = length(*q);
    spot.seen = 1 / map.wavenumber() * (*q + Vector3{0, 0, map.wavenumber()});
    spot.dq_dx = slope(1, 0);
    spot.dq_dy = slope(0, 1);
    spots.push_back(spot);
  }
  std::stable_sort(spots.begin(), spots.end(),
                   [](const auto& a, const auto& b) { return a.length < b.length; });
  return spots;
}

// Spots are explained at random as often as their region of reciprocal space holds lattice points;
// orientations differ when their spots move by the size of such a region.
double Indexer::Impl::chance(std::size_t explained,
                             const std::vector<ReciprocalSpot>& spots) const {
  const SearchTolerances& t = refinement.tolerances;
  const double region = pi * t.across * t.across * 2 * t.excitation;
  const double share =
      std::min(1.0, region * volume(settings.cell) / multiplicity(settings.centring));
  const double middle = spots[spots.size() / 2].length;
  const double orientations =
      std::max(1.0, 8 * pi * pi / static_cast<double>(settings.point_group.order()) * middle *
                        middle * middle / (t.across * t.across * t.excitation));
  const auto n = static_cast<double>(spots.size()), k = static_cast<double>(explained);
  return orientations * (explained == 0 ? 1 : regularized_beta(share, k, n - k + 1));
}

bool Indexer::Impl::is_lattice(const LatticeFit& fit,
                               const std::vector<ReciprocalSpot>& spots) const {
  const std::size_t n = fit.explained.size();
  return n >= settings.min_peaks &&
         static_cast<double>(n) >= settings.min_fraction * static_cast<double>(spots.size()) &&
         chance(n, spots) <= settings.max_chance;
}

CrystalLattice Indexer::Impl::described(const LatticeFit& fit,
                                        const std::vector<ReciprocalSpot>& spots) const {
  CrystalLattice out;
  out.a_matrix = fit.scale * (fit.rotation * basis);
  out.scale = fit.scale;
  out.beam_dx = fit.beam_dx;
  out.beam_dy = fit.beam_dy;
  out.chance = chance(fit.explained.size(), spots);
  double across2 = 0, along2 = 0;
  for (const LatticeFit::Explained& e : fit.explained) {
    IndexedPeak peak;
    peak.peak = spots[e.spot].peak;
    for (std::size_t i = 0; i < 3; ++i) peak.index[i] = static_cast<int>(e.index[i]);
    peak.off_px = e.across / map.pixel_width();
    peak.excitation = e.excitation;
    across2 += peak.off_px * peak.off_px;
    along2 += e.excitation * e.excitation;
    out.peaks.push_back(peak);
  }
  std::sort(out.peaks.begin(), out.peaks.end(),
            [](const auto& a, const auto& b) { return a.peak < b.peak; });
  const auto n = static_cast<double>(fit.explained.size());
  out.rms_px = std::sqrt(across2 / n);
  out.excitation_rms = std::sqrt(along2 / n);
  return out;
}

std::optional<CrystalLattice> Indexer::Impl::one_lattice(
    const std::vector<ReciprocalSpot>& spots) const {
  if (spots.size() < settings.min_peaks) return std::nullopt;
  const std::vector<ReciprocalSpot> rated(
      spots.begin(),
      spots.begin() + static_cast<std::ptrdiff_t>(std::min(spots.size(), most_rated)));
  std::size_t in_pairs = 0;
  while (in_pairs < std::min(rated.size(), most_in_pairs) &&
         rated[in_pairs].length <= search.q_limit())
    ++in_pairs;
  std::optional<LatticeFit> best;
  std::size_t pairs = 0, best_rating = 0;
  const auto least = static_cast<std::size_t>(
      std::max(4.0, 0.5 * settings.min_fraction * static_cast<double>(rated.size())));
  for (std::size_t sum = 1; sum < 2 * in_pairs && pairs < most_pairs; ++sum)
    for (std::size_t i = sum >= in_pairs ? sum - in_pairs + 1 : 0; 2 * i < sum; ++i) {
      const std::size_t j = sum - i;
      const std::size_t wanted =
          std::max(least, best_rating - std::min<std::size_t>(best_rating, 2));
      ++pairs;
      for (const OrientationCandidate& candidate :
           search.orientations(rated[i], rated[j], rated, wanted, best_of_a_pair)) {
        best_rating = std::max(best_rating, candidate.explained);
        LatticeFit fit = refine_lattice(candidate.rotation, basis, spots, refinement);
        if (!best || fit.explained.size() > best->explained.size()) best = std::move(fit);
      }
      if (!best || !is_lattice(*best, spots)) continue;
      if (2 * best->explained.size() >= spots.size() || pairs >= enough_pairs)
        return described(*best, spots);
    }
  if (best && is_lattice(*best, spots)) return described(*best, spots);
  return std::nullopt;
}

std::vector<CrystalLattice> Indexer::index(std::span<const Peak> peaks) const {
  std::vector<CrystalLattice> lattices;
  std::vector<ReciprocalSpot> spots = impl_->spots_of(peaks);
  while (lattices.size() < impl_->settings.max_lattices) {
    auto lattice = impl_->one_lattice(spots);
    if (!lattice) break;
    std::erase_if(spots, [&](const ReciprocalSpot& spot) {
      return std::any_of(lattice->peaks.begin(), lattice->peaks.end(),
                         [&](const IndexedPeak& p) { return p.peak == spot.peak; });
    });
    lattices.push_back(std::move(*lattice));
  }
  return lattices;
}

double misorientation_deg(const Matrix3& a, const Matrix3& b, const PointGroup& group) {
  const Matrix3 from = inverse(a);
  double least = 180;
  for (const IndexRotation& operation : group.operations()) {
    Matrix3 turn{};
    std::copy(operation.begin(), operation.end(), turn.begin());
    Matrix3 r = b * turn * from;
    r = 1 / std::cbrt(determinant(r)) * r;
    const Vector3 axis{r[7] - r[5], r[2] - r[6], r[3] - r[1]};  // 2 sin, along the axis
    least = std::min(least, std::atan2(length(axis), r[0] + r[4] + r[8] - 1) * 180 / pi);
  }
  return least;
}

}  // namespace etalon
