#include "codec/ladder.hpp"

#include <algorithm>
#include <cmath>

namespace etalon::codec {
namespace {

constexpr std::uint64_t end_of_range = std::uint64_t{1} << 32;  // magnitudes lie below or at it

}  // namespace

HalfLadder::HalfLadder(const Bound& bound, std::uint64_t first, double sign)
    : bound_(bound), sign_(sign), first_(first), wide_(end_of_range) {
  // The tolerance grows with the magnitude, so the first wide bin can be searched for.
  std::uint64_t low = first, high = end_of_range;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (tolerance(middle) >= 1 || tolerance(middle + 1) >= 1)
      high = middle;
    else
      low = middle + 1;
  }
  wide_ = low;
}

double HalfLadder::tolerance(std::uint64_t magnitude) const {
  const double t = bound_.tolerance(sign_ * static_cast<double>(magnitude));
  return t >= 0 ? t : 0;  // not a number: 0 times infinity
}

void HalfLadder::add_bin() {
  const std::uint64_t lo = ends_.empty() ? wide_ : ends_.back();
  const double reach = std::min(tolerance(lo), static_cast<double>(end_of_range));
  const std::uint64_t middle = lo + static_cast<std::uint64_t>(reach);
  const auto holds = [&](std::uint64_t x) {
    return static_cast<double>(x - middle) <= tolerance(x);
  };
  std::uint64_t low = middle, step = 1;
  while (low + step < 2 * end_of_range && holds(low + step)) {
    low += step;
    step *= 2;
  }
  for (; step > 0; step /= 2)
    if (low + step < 2 * end_of_range && holds(low + step)) low += step;
  middles_.push_back(middle);
  ends_.push_back(low + 1);
}

std::uint64_t HalfLadder::index(std::uint64_t magnitude) {
  if (magnitude < wide_) return magnitude - first_;
  while ((ends_.empty() || ends_.back() <= magnitude) && ends_.size() < max_bins) add_bin();
  const std::uint64_t singles = wide_ - first_;
  if (ends_.back() <= magnitude) return singles + ends_.size() + (magnitude - ends_.back());
  const auto bin = std::upper_bound(ends_.begin(), ends_.end(), magnitude);
  return singles + static_cast<std::uint64_t>(bin - ends_.begin());
}

std::uint64_t HalfLadder::middle(std::uint64_t index) {
  const std::uint64_t singles = wide_ - first_;
  if (index < singles) return first_ + index;
  const std::uint64_t bin = index - singles;
  while (ends_.size() <= bin && ends_.size() < max_bins &&
         (ends_.empty() || ends_.back() <= end_of_range))
    add_bin();
  if (bin < middles_.size()) return middles_[bin];
  return (ends_.empty() ? wide_ : ends_.back()) + (bin - ends_.size());
}

}  // namespace etalon::codec
