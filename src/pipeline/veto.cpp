#include "pipeline/veto.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/bytes.hpp"
#include "ledger/ledger.hpp"

namespace etalon {
namespace {

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

Result<Veto> Veto::create(const Recipe::Veto& rules, const Geometry& geometry) {
  Veto veto;
  veto.rules_ = rules;
  veto.geometry_ = geometry;
  veto.has_resolution_ = geometry.distance_m > 0 && geometry.pixel_size_x_m > 0 &&
                         geometry.pixel_size_y_m > 0 && geometry.wavelength_angstrom > 0;
  if (rules.resolution_angstrom > 0 && !veto.has_resolution_)
    return Error{Errc::usage,
                 "veto.resolution_angstrom: the source does not say its distance, pixel size and "
                 "wavelength"};
  return veto;
}

FrameFigures Veto::figures(const std::vector<Peak>& peaks) const {
  FrameFigures out;
  out.peaks = peaks.size();
  for (const Peak& p : peaks) out.score += std::sqrt(std::clamp(double{p.snr}, 0.0, 1e6));
  const std::uint64_t wanted = rules_.resolution_peaks;
  if (!has_resolution_ || peaks.size() < wanted) return out;
  std::vector<double> radius;
  radius.reserve(peaks.size());
  for (const Peak& p : peaks) {
    const double r = radius_at(geometry_, double{p.y}, double{p.x});
    if (std::isfinite(r)) radius.push_back(r);  // else between the panels
  }
  if (radius.size() < wanted) return out;
  const auto nth = radius.begin() + static_cast<std::ptrdiff_t>(wanted - 1);
  std::nth_element(radius.begin(), nth, radius.end(), std::greater<>());
  const double d = resolution_angstrom(geometry_, *nth);
  out.resolution_angstrom = std::isfinite(d) ? d : 0;
  return out;
}

std::string Veto::reason(const FrameFigures& figures) const {
  return reason(figures, rules_.min_peaks);
}

std::string Veto::reason(const FrameFigures& figures, std::uint64_t min_peaks) const {
  const Recipe::Veto& r = rules_;
  if (figures.peaks < min_peaks) return "peaks < " + std::to_string(min_peaks);
  if (r.max_peaks != 0 && figures.peaks > r.max_peaks)
    return "peaks > " + std::to_string(r.max_peaks);
  if (figures.score < r.min_score) return "score < " + shown(r.min_score);
  const double d = figures.resolution_angstrom;
  if (r.resolution_angstrom > 0 && (d == 0 || d > r.resolution_angstrom))
    return "resolution > " + shown(r.resolution_angstrom);
  return "";
}

AuditDraw::AuditDraw(std::uint64_t seed, std::string_view series, double share) : share_(share) {
  const FrameSum name = frame_sum(bytes_of(series));
  std::memcpy(key_.data(), name.bytes.data(), 16);
  std::memcpy(key_.data() + 16, &seed, 8);
}

bool AuditDraw::operator()(std::uint64_t number) const {
  std::array<std::byte, 32> key = key_;
  std::memcpy(key.data() + 24, &number, 8);
  const FrameSum sum = frame_sum(key);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) word = word << 8 | sum.bytes[i];
  return static_cast<double>(word >> 11) < share_ * 0x1p53;
}

FinderSettings judge_settings(const Recipe& recipe) {
  FinderSettings judge = recipe.find;
  const Recipe::Audit& audit = recipe.audit;
  const auto ease = [&](float& threshold, float& snr, std::uint32_t& min_pixels) {
    threshold = static_cast<float>(audit.threshold.value_or(0.75 * double{threshold}));
    snr = static_cast<float>(audit.snr.value_or(0.8 * double{snr}));
    min_pixels = audit.min_pixels.value_or(min_pixels);
  };
  if (judge.method == FindMethod::peakfinder8)
    ease(judge.parameters.threshold, judge.parameters.snr, judge.parameters.min_pixels);
  else
    ease(judge.dispersion.threshold, judge.dispersion.sigma_strong, judge.dispersion.min_pixels);
  return judge;
}

}  // namespace etalon
