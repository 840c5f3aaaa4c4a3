#include "analyse/science_crystals.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace etalon {
namespace {

constexpr double not_judged = std::numeric_limits<double>::quiet_NaN();

void keep_observations(std::uint64_t frame, const StillCrystals& still,
                       std::vector<CrystalObservations>& all) {
  for (const auto& observations : still.observations) all.push_back({frame, observations});
}

}  // namespace

double CrystalScience::shift_deg(double share) const {
  if (shifts_deg.empty()) return not_judged;
  std::vector<double> sorted = shifts_deg;
  const double last = static_cast<double>(sorted.size() - 1);
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(std::ceil(share * last));
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

void CrystalScience::add_metrics(std::map<std::string, double, std::less<>>& metrics) const {
  const MergeStatistics none{0, 0, 0, 0, 0, 0, not_judged, not_judged, not_judged, not_judged, 0};
  const MergeStatistics &before = given ? raw_merged.all : none,
                        &after = given ? reduced_merged.all : none;
  metrics["indexed"] = raw > 0 ? static_cast<double>(kept) / static_cast<double>(raw) : not_judged;
  metrics["orientation_shift"] = shift_deg(0.95);
  metrics["cc_half"] = after.cc_half;
  metrics["cc_half_change"] = after.cc_half - before.cc_half;
  metrics["cc_star"] = after.cc_star;
  metrics["r_split"] = after.r_split;
  metrics["merged_cc"] = given ? merged_cc : not_judged;
  metrics["structure_factor_cc"] = known ? after.truth_cc : not_judged;
  metrics["structure_factor_cc_change"] = known ? after.truth_cc - before.truth_cc : not_judged;
}

CrystalScienceTally::CrystalScienceTally(const std::optional<CrystalScienceSettings>& settings)
    : settings_(settings) {
  science_.given = settings_.has_value();
  science_.known = settings_ && settings_->known != nullptr;
}

void CrystalScienceTally::add(std::uint64_t frame, const StillCrystals& raw,
                              const StillCrystals* reduced) {
  if (!settings_) return;
  keep_observations(frame, raw, raw_);
  if (reduced != nullptr) keep_observations(frame, *reduced, reduced_);
  const bool in_reduced = reduced != nullptr && !reduced->lattices.empty();
  science_.raw += !raw.lattices.empty();
  science_.reduced += in_reduced;
  if (raw.lattices.empty() || !in_reduced) return;
  // Of several crystals, the first of raw: the one that explains most.
  double nearest = 180;
  for (const CrystalLattice& lattice : reduced->lattices)
    nearest = std::min(nearest, misorientation_deg(raw.lattices.front().a_matrix, lattice.a_matrix,
                                                   settings_->crystals.indexing.point_group));
  if (nearest > same_orientation_deg) {
    ++science_.turned;
    return;
  }
  ++science_.kept;
  science_.shifts_deg.push_back(nearest);
}

CrystalScience CrystalScienceTally::result() const {
  CrystalScience out = science_;
  if (!settings_) return out;
  const IndexingSettings& crystal = settings_->crystals.indexing;
  const MergeSettings& how = settings_->merging;
  out.raw_merged = merge(raw_, crystal, how, settings_->known.get());
  out.reduced_merged = merge(reduced_, crystal, how, settings_->known.get());
  out.merged_cc = merged_correlation(out.raw_merged, out.reduced_merged, how);
  return out;
}

}  // namespace etalon
