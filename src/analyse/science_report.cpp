#include <algorithm>
#include <cmath>
#include <limits>

#include "analyse/science.hpp"

namespace etalon {
namespace {

constexpr double not_judged = std::numeric_limits<double>::quiet_NaN();

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? not_judged : static_cast<double>(part) / static_cast<double>(whole);
}

void add_profile(RadialProfile& all, const RadialProfile& one) {
  all.pixels.resize(std::max(all.pixels.size(), one.pixels.size()));
  all.sum.resize(all.pixels.size());
  for (std::size_t i = 0; i < one.pixels.size(); ++i) {
    all.pixels[i] += one.pixels[i];
    all.sum[i] += one.sum[i];
  }
}

}  // namespace

double ScienceReport::Strong::relative_bias() const {
  return raw > 0 && differences.n() > 0 ? shift / raw : not_judged;
}

double ScienceReport::Weak::bias() const {
  if (raw.n() < 2 || !(raw.mean() > 3 * raw.error())) return not_judged;
  return differences.mean() / raw.mean();
}

double ScienceReport::Weak::half_width() const {
  if (std::isnan(bias())) return not_judged;
  return sigmas_of_99_percent * differences.error() / raw.mean();
}

std::uint64_t ScienceReport::radial_bins() const {
  std::uint64_t bins = 0;
  for (std::size_t i = 0; i < raw_profile.pixels.size(); ++i)
    bins += raw_profile.pixels[i] > 0 && reduced_profile.pixels[i] > 0;
  return bins;
}

double ScienceReport::radial_chi2() const {
  const std::uint64_t bins = radial_bins();
  if (bins == 0) return not_judged;
  double chi2 = 0;
  for (std::size_t i = 0; i < raw_profile.pixels.size(); ++i) {
    if (raw_profile.pixels[i] == 0 || reduced_profile.pixels[i] == 0) continue;
    const auto n = static_cast<double>(raw_profile.pixels[i]);
    const double off = reduced_profile.sum[i] / static_cast<double>(reduced_profile.pixels[i]) -
                       raw_profile.sum[i] / n;
    // Photons are raw / gain; never fewer than one, so that empty bins do not weigh infinitely.
    const double variance = settings.gain * std::max(raw_profile.sum[i], settings.gain) / (n * n);
    chi2 += off * off / variance;
  }
  return chi2 / static_cast<double>(bins);
}

std::map<std::string, double, std::less<>> ScienceReport::metrics() const {
  const std::uint64_t raw_hits = hits_kept.size() + hits_lost.size();
  const bool spots = strong.differences.n() > 1;
  std::map<std::string, double, std::less<>> all{
      {"peaks", share(peaks_kept, raw_peaks)},
      {"peaks_invented", share(peaks_invented(), raw_peaks)},
      {"hits", share(hits_kept.size(), raw_hits)},
      {"hits_invented", share(hits_invented.size(), raw_hits)},
      {"strong_bias", spots ? std::abs(strong.differences.mean()) : not_judged},
      {"strong_scatter", spots ? strong.differences.sigma() : not_judged},
      {"weak_bias", std::abs(weak.bias()) + weak.half_width()},
      {"radial_chi2", radial_chi2()}};
  crystals.add_metrics(all);
  return all;
}

ScienceTally::ScienceTally(const ScienceSettings& settings, bool places_given)
    : crystals_(settings.crystals) {
  report_.settings = settings;
  report_.weak.given = places_given;
}

void ScienceTally::add(std::uint64_t number, const FrameLook& raw,
                       const std::optional<FrameLook>& reduced) {
  ScienceReport& r = report_;
  ++r.frames;
  crystals_.add(number, raw.crystals, reduced ? &reduced->crystals : nullptr);
  const bool raw_hit = raw.peaks.size() >= r.settings.min_peaks;
  if (!reduced) {
    if (raw_hit) {
      r.hits_lost.push_back(number);
      ++r.hits_left_out;
    }
    return;
  }
  ++r.compared;
  const bool hit = reduced->peaks.size() >= r.settings.min_peaks;
  if (raw_hit || hit)
    (raw_hit && hit ? r.hits_kept : raw_hit ? r.hits_lost : r.hits_invented).push_back(number);
  r.raw_peaks += raw.peaks.size();
  r.reduced_peaks += reduced->peaks.size();
  r.peaks_kept += matched_peaks(raw.peaks, reduced->peaks);

  r.strong.places += raw.strong.size();
  for (std::size_t i = 0; i < raw.strong_sums.size(); ++i) {
    const auto &before = raw.strong_sums[i], &after = reduced->strong_sums[i];
    if (!before || !after) continue;
    const double shift = after->net() - before->net();
    r.strong.differences.add(shift / before->sigma(r.settings.gain));
    r.strong.raw += before->net();
    r.strong.shift += shift;
  }
  r.weak.places += raw.weak.size();
  for (std::size_t i = 0; i < raw.weak_sums.size(); ++i) {
    const auto &before = raw.weak_sums[i], &after = reduced->weak_sums[i];
    if (!before || !after) continue;
    if (std::abs(before->net()) > weak_sigmas * before->sigma(r.settings.gain)) continue;
    r.weak.raw.add(before->net());
    r.weak.differences.add(after->net() - before->net());
  }
  add_profile(r.raw_profile, raw.profile);
  add_profile(r.reduced_profile, reduced->profile);
}

ScienceReport ScienceTally::report() const {
  ScienceReport out = report_;
  out.crystals = crystals_.result();
  return out;
}

}  // namespace etalon
