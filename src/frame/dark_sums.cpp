#include "frame/dark_sums.hpp"

#include <algorithm>
#include <cmath>

namespace etalon {
namespace {

constexpr std::uint32_t value_mask = 0x3fff;
constexpr unsigned bits_of_gain[] = {0, 1, 3};

}  // namespace

DarkSums::DarkSums(std::size_t ny, std::size_t nx) : ny_(ny), nx_(nx) {}

double DarkSums::Sums::rms() const {
  __extension__ using Wide = unsigned __int128;
  const Wide spread = Wide{q} * n - Wide{s} * s;
  return std::sqrt(static_cast<double>(spread)) / n;
}

void DarkSums::add(std::span<const std::uint16_t> raw) {
  for (std::size_t i = 0; i < std::min(raw.size(), ny_ * nx_); ++i) {
    const unsigned bits = raw[i] >> 14;
    if (bits == 2) continue;
    auto& plane = sums_[bits == 3 ? 2 : bits];
    if (plane.empty()) plane.resize(ny_ * nx_);
    const std::uint64_t v = raw[i] & value_mask;
    ++plane[i].n;
    plane[i].s += v;
    plane[i].q += v * v;
  }
}

std::size_t DarkSums::apply(GainConstants& measured, const DarkLimits& limits) const {
  std::vector<std::uint8_t> bad(ny_ * nx_);
  for (std::size_t g = 0; g < 3; ++g) {
    const std::vector<Sums>& plane = sums_[g];
    if (plane.empty()) continue;
    measured.pedestal_adu[g].resize(plane.size());
    std::vector<double> spreads;
    for (const Sums& sums : plane)
      if (sums.n > 1) spreads.push_back(sums.rms());
    double most_rms = INFINITY;
    if (!spreads.empty()) {
      const auto middle = spreads.begin() + static_cast<std::ptrdiff_t>(spreads.size() / 2);
      std::nth_element(spreads.begin(), middle, spreads.end());
      most_rms = limits.most_rms_in_medians * *middle;
    }
    for (std::size_t i = 0; i < plane.size(); ++i) {
      const Sums& sums = plane[i];
      const double mean = sums.n == 0 ? 0 : static_cast<double>(sums.s) / sums.n;
      const double rms = sums.n == 0 ? 0 : sums.rms();
      measured.pedestal_adu[g][i] = static_cast<float>(mean);
      const bool dead = sums.n == 0 || (sums.n > 1 && rms == 0);
      bad[i] |= dead || rms > most_rms || mean < limits.least_adu || mean > limits.most_adu;
    }
  }
  measured.bad.resize(bad.size());
  std::size_t fresh = 0;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    fresh += bad[i] != 0 && measured.bad[i] == 0;
    measured.bad[i] |= bad[i];
  }
  return fresh;
}

PedestalTracker::PedestalTracker(std::span<const float> start_adu, unsigned gain, unsigned shift)
    : bits_(bits_of_gain[std::min(gain, 2U)]), shift_(std::clamp(shift, 1U, 16U)) {
  for (const float p : start_adu) {
    const double known = p >= 0 && p <= 16383 ? double{p} : 0;
    level_.push_back(static_cast<std::int64_t>(std::nearbyint(64 * known)) << shift_);
  }
}

void PedestalTracker::add(std::span<const std::uint16_t> raw) {
  for (std::size_t i = 0; i < std::min(raw.size(), level_.size()); ++i)
    if (raw[i] >> 14 == bits_)
      level_[i] += std::int64_t{64} * (raw[i] & value_mask) - (level_[i] >> shift_);
}

std::vector<std::int32_t> PedestalTracker::pedestals() const {
  std::vector<std::int32_t> out(level_.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::int32_t>(level_[i] >> shift_);
  return out;
}

float PedestalTracker::pedestal_adu(std::size_t pixel) const {
  return static_cast<float>(
      std::ldexp(static_cast<double>(level_[pixel]), -6 - static_cast<int>(shift_)));
}

}  // namespace etalon
