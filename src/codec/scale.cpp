#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "codec/scaled.hpp"

namespace etalon::codec {
namespace {

// Steps narrower than the bound by this leave room for the rounding of the way back.
constexpr double margin = 1 - 0x1p-20;
constexpr double widest = 0x1p30;

template <typename T>
using Pattern = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// Bit patterns as numbers in the order of the floats, symmetric about 0.
template <typename T>
std::int64_t pattern_of(T x) {
  const auto bits = std::bit_cast<Pattern<T>>(x);
  constexpr Pattern<T> magnitude = std::numeric_limits<Pattern<T>>::max();
  return bits < 0 ? -std::int64_t{bits & magnitude} : std::int64_t{bits};
}
template <typename T>
T float_of(std::int64_t pattern) {
  const std::int64_t most = std::numeric_limits<Pattern<T>>::max();
  const auto p = static_cast<Pattern<T>>(std::clamp(pattern, -most, most));
  return p < 0 ? -std::bit_cast<T>(static_cast<Pattern<T>>(-p)) : std::bit_cast<T>(p);
}

std::optional<std::int32_t> narrow(double q) {
  if (!(std::abs(q) < widest)) return std::nullopt;
  return static_cast<std::int32_t>(q);
}

}  // namespace

template <typename T>
Scale Scale::of(const Bound& bound, double step) {
  Scale s;
  switch (bound.kind) {
    case Bound::Kind::lossless:
      break;
    case Bound::Kind::abs:
    case Bound::Kind::rel:
      if (!(bound.tolerance(0) > 0)) break;
      s.kind_ = Kind::grid;
      s.step_ = step;
      break;
    case Bound::Kind::pwrel: {
      // A step of the pattern is at most 2^(1 - digits) of the value.
      const double half =
          std::floor(bound.value * std::ldexp(1.0, std::numeric_limits<T>::digits - 1) * margin);
      if (half < 1) break;
      s.kind_ = Kind::pattern;
      s.width_ = 2 * static_cast<std::int64_t>(half) + 1;
      break;
    }
    case Bound::Kind::sigma:
      s.gain_ = bound.gain;
      s.noise_ = bound.noise;
      s.negative_step_ = 2 * bound.value * bound.noise * margin;
      s.kind_ = bound.gain > 0 ? Kind::root : Kind::own_grid;
      s.step_ = bound.gain > 0 ? bound.value * bound.gain * margin : s.negative_step_;
      if (!std::isnormal(s.step_) || !std::isfinite(s.negative_step_)) s.kind_ = Kind::bits;
      break;
  }
  return s;
}

template <typename T>
std::optional<std::int32_t> Scale::number(T x, double dither) const {
  switch (kind_) {
    case Kind::bits:
      break;
    case Kind::grid:
      return narrow(std::rint(static_cast<double>(x) / step_ + dither));
    case Kind::own_grid:
      return narrow(std::rint(static_cast<double>(x) / step_));
    case Kind::pattern: {
      const std::int64_t p = pattern_of(x), half = width_ / 2;
      const std::int64_t q = p < 0 ? -((-p + half) / width_) : (p + half) / width_;
      if (std::abs(q) >= std::int64_t{1} << 30) break;
      return static_cast<std::int32_t>(q);
    }
    case Kind::root: {
      const auto v = static_cast<double>(x);
      if (v < 0) {
        if (negative_step_ == 0) break;
        return narrow(std::floor(v / negative_step_));
      }
      return narrow(std::floor((std::sqrt(gain_ * v + noise_ * noise_) - noise_) / step_));
    }
  }
  return std::nullopt;
}

template <typename T>
T Scale::value(std::int32_t number, double dither) const {
  switch (kind_) {
    case Kind::bits:
      break;
    case Kind::grid:
      return static_cast<T>((number - dither) * step_);
    case Kind::own_grid:
      return static_cast<T>(number * step_);
    case Kind::pattern:
      return float_of<T>(number * width_);
    case Kind::root: {
      // Bins are even in the root r: one from r to r + step has its middle at the square root of
      // r (r + step), since tolerances are taken where the element is.
      if (number < 0) return static_cast<T>((number + 0.5) * negative_step_);
      const double r = noise_ + number * step_;
      return static_cast<T>((r * (r + step_) - noise_ * noise_) / gain_);
    }
  }
  return T(0);
}

template Scale Scale::of<float>(const Bound&, double);
template Scale Scale::of<double>(const Bound&, double);
template std::optional<std::int32_t> Scale::number(float, double) const;
template std::optional<std::int32_t> Scale::number(double, double) const;
template float Scale::value(std::int32_t, double) const;
template double Scale::value(std::int32_t, double) const;

}  // namespace etalon::codec
