#include "verify_tally.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace etalon::cli {
namespace {

// Infinite where a special value did not come back bit for bit.
template <typename T>
double error_of(T a, T b) {
  if (std::memcmp(&a, &b, sizeof a) == 0) return 0;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(a) || !std::isfinite(b) || (a == 0 && std::signbit(a)))
      return std::numeric_limits<double>::infinity();
    // +0 for 0 differs in nothing but its bits.
    const double e = std::abs(static_cast<double>(a) - static_cast<double>(b));
    return e == 0 ? std::numeric_limits<double>::denorm_min() : e;
  } else {
    return static_cast<double>(a > b
                                   ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                                   : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a));
  }
}

// Integers as a type that holds them all.
Array as_dtype(const ArrayView& array, DType dtype) {
  Array out(dtype, array.shape);
  visit(array.dtype, [&](auto from) {
    visit(dtype, [&](auto to) {
      const auto in = array.as<decltype(from)>();
      const auto wide = out.as<decltype(to)>();
      for (std::size_t i = 0; i < in.size(); ++i) wide[i] = static_cast<decltype(to)>(in[i]);
    });
  });
  return out;
}

std::vector<std::size_t> place_of(std::size_t i, const Shape& shape, const Shape& origin) {
  std::vector<std::size_t> at(shape.rank());
  for (std::size_t axis = shape.rank(); axis-- > 0; i /= shape[axis])
    at[axis] = origin[axis] + i % shape[axis];
  return at;
}

}  // namespace

std::string Tally::Offender::place() const {
  std::string text;
  for (std::size_t index : at) text += (text.empty() ? "[" : ",") + std::to_string(index);
  return (text.empty() ? "[" : text) + "]";
}

Tally::Tally(const std::vector<RegionInfo>& regions) {
  for (std::size_t r = 0; r < regions.size(); ++r) region_at(r, regions[r]);
}

std::size_t Tally::region_at(std::size_t place, const RegionInfo& info) {
  std::size_t i = 0;
  for (; i < regions_.size(); ++i)
    if (const Measured& m = regions_[i];
        m.place == place && m.kind == info.kind && m.bound == info.bound)
      return i;
  regions_.push_back({place, info.kind, info.bound, 0, 0, 0});
  return i;
}

template <typename T>
void Tally::add_elements(std::span<const T> a, std::span<const T> b, const Shape& shape,
                         const codec::ChunkLabels& labels, const std::vector<std::size_t>& regions,
                         const Shape& origin) {
  const auto tighter = [&](std::size_t l, std::size_t r) {
    return regions_[l].bound.tolerance(1) < regions_[r].bound.tolerance(1);
  };
  const std::size_t unmapped = *std::min_element(regions.begin(), regions.end(), tighter);
  const std::size_t plane = std::max<std::size_t>(labels.labels.size(), 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]);
    if (std::isfinite(x)) {
      low_ = std::min(low_, x);
      high_ = std::max(high_, x);
      ++finite_;
    }
    const double e = error_of(a[i], b[i]);
    if (e == 0) continue;
    if (std::isfinite(e)) {
      squares_ += e * e;
      signed_ += b[i] > a[i] ? e : -e;
    }
    const std::size_t region = labels.labels.empty() ? unmapped : regions[labels.labels[i % plane]];
    Measured& m = regions_[region];
    m.max_error = std::max(m.max_error, m.bound.error(x, e));
    if (e <= m.bound.tolerance(x)) continue;
    ++m.violations;
    if (!offender_) offender_ = {place_of(i, shape, origin), region, e};
  }
}

void Tally::add(const ArrayView& original, const ArrayView& piece, const codec::ChunkLabels& labels,
                const Shape& origin) {
  std::vector<std::size_t> regions;
  for (std::size_t r = 0; r < labels.regions.size(); ++r) {
    regions.push_back(region_at(r, labels.regions[r]));
    regions_[regions.back()].elements += labels.regions[r].elements;
  }
  if (original.dtype != piece.dtype) {  // dithered: a wider signed type
    const Array wide = as_dtype(original, piece.dtype);
    visit(piece.dtype, [&](auto zero) {
      using T = decltype(zero);
      add_elements<T>(wide.as<T>(), piece.as<T>(), original.shape, labels, regions, origin);
    });
    return;
  }
  visit(original.dtype, [&](auto zero) {
    using T = decltype(zero);
    add_elements<T>(original.as<T>(), piece.as<T>(), original.shape, labels, regions, origin);
  });
}

std::uint64_t Tally::elements() const {
  std::uint64_t all = 0;
  for (const Measured& m : regions_) all += m.elements;
  return all;
}

double Tally::max_error() const {
  double largest = 0;
  for (const Measured& m : regions_) largest = std::max(largest, m.max_error);
  return largest;
}

double Tally::psnr_db() const {
  if (squares_ == 0 || high_ <= low_) return std::numeric_limits<double>::infinity();
  return 20 * std::log10((high_ - low_) / rms_error());
}

double Tally::rms_error() const {
  return finite_ == 0 ? 0 : std::sqrt(squares_ / static_cast<double>(finite_));
}

double Tally::mean_error() const {
  return finite_ == 0 ? 0 : signed_ / static_cast<double>(finite_);
}

}  // namespace etalon::cli
