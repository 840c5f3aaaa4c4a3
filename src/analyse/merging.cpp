#include "analyse/merging.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace etalon {
namespace {

constexpr double not_judged = std::numeric_limits<double>::quiet_NaN();
constexpr double pi = 3.14159265358979323846;

// Either half, by the bits of a number well mixed (Steele et al., OOPSLA 2014: splitmix64).
std::size_t half_of(std::uint64_t frame) {
  std::uint64_t z = frame + 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return static_cast<std::size_t>((z ^ (z >> 31)) & 1);
}

class Merger {
 public:
  Merger(const std::vector<CrystalObservations>& crystals, const MergeSettings& settings)
      : crystals_(crystals), settings_(settings) {
    for (const CrystalObservations& c : crystals_)
      for (const Observation& o : c.observations) rows_.emplace(o.unique, 0);
    std::size_t row = 0;
    for (auto& [index, number] : rows_) number = row++;
    for (const CrystalObservations& c : crystals_) {
      auto& own = row_of_.emplace_back();
      for (const Observation& o : c.observations) own.push_back(rows_.find(o.unique)->second);
    }
    scales_.assign(crystals_.size(), 1);
  }

  Merged run() {
    for (unsigned round = 0; round < settings_.scaling_rounds; ++round) rescale(means());
    Merged out;
    out.reflections = reflections();
    out.crystals = crystals_.size();
    out.scales = scales_;
    for (std::size_t c = 0; c < crystals_.size(); ++c) {
      out.left_out += scales_[c] == 0;
      if (scales_[c] > 0) out.observations += crystals_[c].observations.size();
    }
    return out;
  }

 private:
  std::vector<double> means() const {
    std::vector<double> sum(rows_.size()), weight(rows_.size());
    for_each([&](std::size_t c, std::size_t row, const Observation& o) {
      sum[row] += static_cast<double>(o.intensity);
      weight[row] += scales_[c];
    });
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = weight[i] > 0 ? sum[i] / weight[i] : 0;
    return sum;
  }

  void rescale(const std::vector<double>& means) {
    std::vector<double> slopes;
    for (std::size_t c = 0; c < crystals_.size(); ++c) {
      double xy = 0, xx = 0;
      for (std::size_t i = 0; i < row_of_[c].size(); ++i) {
        const double m = means[row_of_[c][i]];
        xy += m * static_cast<double>(crystals_[c].observations[i].intensity);
        xx += m * m;
      }
      slopes.push_back(xx > 0 ? xy / xx : 0);
    }
    std::vector<double> positive;
    for (const double s : slopes)
      if (s > 0) positive.push_back(s);
    if (positive.empty()) return;
    const auto middle = positive.begin() + static_cast<std::ptrdiff_t>(positive.size() / 2);
    std::nth_element(positive.begin(), middle, positive.end());
    for (std::size_t c = 0; c < slopes.size(); ++c)
      scales_[c] = slopes[c] >= settings_.least_scale * *middle ? slopes[c] / *middle : 0;
  }

  std::vector<MergedReflection> reflections() const {
    std::vector<MergedReflection> list(rows_.size());
    std::vector<double> weight(2 * list.size()), squares(list.size());
    for (const auto& [index, row] : rows_) list[row].index = index;
    for_each([&](std::size_t c, std::size_t row, const Observation& o) {
      const std::size_t half = half_of(crystals_[c].frame);
      list[row].half[half] += static_cast<double>(o.intensity);
      weight[2 * row + half] += scales_[c];
      ++list[row].half_observations[half];
      list[row].q = static_cast<double>(o.q);
    });
    for (std::size_t i = 0; i < list.size(); ++i) {
      MergedReflection& r = list[i];
      r.observations = r.half_observations[0] + r.half_observations[1];
      const double all = weight[2 * i] + weight[2 * i + 1];
      r.intensity = all > 0 ? (r.half[0] + r.half[1]) / all : 0;
      for (std::size_t half : {0, 1})
        r.half[half] = weight[2 * i + half] > 0 ? r.half[half] / weight[2 * i + half] : 0;
    }
    // Of a ratio of sums: its residuals add up.
    for_each([&](std::size_t c, std::size_t row, const Observation& o) {
      const double off = static_cast<double>(o.intensity) - scales_[c] * list[row].intensity;
      squares[row] += off * off;
    });
    for (std::size_t i = 0; i < list.size(); ++i) {
      const double n = list[i].observations, all = weight[2 * i] + weight[2 * i + 1];
      list[i].sigma = n > 1 ? std::sqrt(squares[i] * n / (n - 1)) / all : not_judged;
    }
    std::erase_if(list, [](const MergedReflection& r) { return r.observations == 0; });
    return list;
  }

  template <typename Use>
  void for_each(Use&& use) const {
    for (std::size_t c = 0; c < crystals_.size(); ++c)
      if (scales_[c] > 0)
        for (std::size_t i = 0; i < row_of_[c].size(); ++i)
          use(c, row_of_[c][i], crystals_[c].observations[i]);
  }

  const std::vector<CrystalObservations>& crystals_;
  const MergeSettings& settings_;
  std::map<Miller, std::size_t> rows_;
  std::vector<std::vector<std::size_t>> row_of_;
  std::vector<double> scales_;
};

using Group = std::vector<const MergedReflection*>;

MergeStatistics statistics_of(const Group& group, const MergeSettings& settings,
                              const KnownIntensities* known) {
  MergeStatistics s;
  std::vector<double> one, other, merged, truth;
  double apart = 0, together = 0, noise_ratio = 0, q_low = 1e300, q_high = 0;
  std::uint64_t with_sigma = 0;
  for (const MergedReflection* r : group) {
    ++s.reflections;
    s.observations += r->observations;
    s.mean_intensity += r->intensity;
    q_low = std::min(q_low, r->q);
    q_high = std::max(q_high, r->q);
    if (r->sigma > 0) {
      noise_ratio += r->intensity / r->sigma;
      ++with_sigma;
    }
    if (!r->judged(settings)) continue;
    one.push_back(r->half[0]);
    other.push_back(r->half[1]);
    apart += std::abs(r->half[0] - r->half[1]);
    together += (r->half[0] + r->half[1]) / 2;
    if (known == nullptr) continue;
    const auto found = known->find(r->index);
    if (found == known->end()) continue;
    merged.push_back(r->intensity);
    truth.push_back(found->second);
  }
  s.d_low = s.reflections > 0 ? 1 / q_low : not_judged;
  s.d_high = s.reflections > 0 ? 1 / q_high : not_judged;
  s.mean_intensity = s.reflections > 0 ? s.mean_intensity / double(s.reflections) : not_judged;
  s.signal_to_noise = with_sigma > 0 ? noise_ratio / double(with_sigma) : not_judged;
  s.cc_half = correlation(one, other);
  s.cc_star = s.cc_half > 0 ? std::sqrt(2 * s.cc_half / (1 + s.cc_half)) : not_judged;
  s.r_split = together > 0 ? std::sqrt(0.5) * apart / together : not_judged;
  s.truth_cc = correlation(merged, truth);
  s.completeness = not_judged;
  return s;
}

// Reflections that there are between two lengths of q, about: lattice points over equivalents.
double reflections_between(double low, double high, const IndexingSettings& crystal) {
  double points = 4 * pi / 3 * (high * high * high - low * low * low) * volume(crystal.cell);
  switch (crystal.centring) {
    case 'P':
      break;
    case 'F':
      points /= 4;
      break;
    case 'R':
      points /= 3;
      break;
    default:
      points /= 2;
  }
  return points / (2 * static_cast<double>(crystal.point_group.order()));
}

std::vector<MergeStatistics> shells_of(const Merged& merged, const IndexingSettings& crystal,
                                       const MergeSettings& settings,
                                       const KnownIntensities* known) {
  double low = 1e300, high = 0;
  for (const MergedReflection& r : merged.reflections) {
    low = std::min(low, r.q);
    high = std::max(high, r.q);
  }
  const auto cubed = [](double x) { return x * x * x; };
  std::vector<Group> groups(settings.shells);
  const double whole = cubed(high) - cubed(low);
  for (const MergedReflection& r : merged.reflections) {
    const double at = whole > 0 ? (cubed(r.q) - cubed(low)) / whole * settings.shells : 0;
    groups[std::min<std::size_t>(static_cast<std::size_t>(at), settings.shells - 1)].push_back(&r);
  }
  std::vector<MergeStatistics> shells;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    MergeStatistics s = statistics_of(groups[i], settings, known);
    const double n = settings.shells;
    const double from = std::cbrt(cubed(low) + whole * double(i) / n),
                 to = std::cbrt(cubed(low) + whole * double(i + 1) / n);
    s.d_low = 1 / from;
    s.d_high = 1 / to;
    s.completeness = std::min(1.0, double(s.reflections) / reflections_between(from, to, crystal));
    shells.push_back(s);
  }
  return shells;
}

// By known intensity, or else by the merged one.
std::vector<MergeStatistics> strengths_of(const Merged& merged, const MergeSettings& settings,
                                          const KnownIntensities* known) {
  std::vector<std::pair<double, const MergedReflection*>> ranked;
  for (const MergedReflection& r : merged.reflections) {
    if (known == nullptr) {
      ranked.emplace_back(r.intensity, &r);
    } else if (const auto found = known->find(r.index); found != known->end()) {
      ranked.emplace_back(found->second, &r);
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<MergeStatistics> out;
  for (std::size_t i = 0; i < settings.strengths; ++i) {
    Group group;
    for (std::size_t k = i * ranked.size() / settings.strengths;
         k < (i + 1) * ranked.size() / settings.strengths; ++k)
      group.push_back(ranked[k].second);
    out.push_back(statistics_of(group, settings, known));
  }
  return out;
}

}  // namespace

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  if (x.size() < 3) return not_judged;
  double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : not_judged;
}

double merged_correlation(const Merged& one, const Merged& other, const MergeSettings& settings) {
  std::vector<double> x, y;
  auto b = other.reflections.begin();
  for (const MergedReflection& a : one.reflections) {
    while (b != other.reflections.end() && b->index < a.index) ++b;
    if (b == other.reflections.end()) break;
    if (b->index != a.index || !a.judged(settings) || !b->judged(settings)) continue;
    x.push_back(a.intensity);
    y.push_back(b->intensity);
  }
  return correlation(x, y);
}

Merged merge(const std::vector<CrystalObservations>& crystals, const IndexingSettings& crystal,
             const MergeSettings& settings, const KnownIntensities* known) {
  Merged merged = Merger(crystals, settings).run();
  Group all;
  for (const MergedReflection& r : merged.reflections) all.push_back(&r);
  merged.all = statistics_of(all, settings, known);
  if (!all.empty()) {
    merged.all.completeness =
        std::min(1.0, double(all.size()) / reflections_between(0, 1 / merged.all.d_high, crystal));
    merged.shells = shells_of(merged, crystal, settings, known);
    merged.strengths = strengths_of(merged, settings, known);
  }
  return merged;
}

}  // namespace etalon
