#include "plot/axis.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace etalon::plot {
namespace {

constexpr double largest_value = 1e300;  // beyond, differences and margins would overflow

// U+2212 for the hyphen.
std::string with_minus(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c == '-')
      out += "\u2212";
    else
      out += c;
  return out;
}

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return with_minus(text);
}

Tick power_tick(int exponent) {
  Tick tick{std::pow(10.0, exponent), "", ""};
  if (exponent >= -3 && exponent <= 4) {
    tick.label = fixed(tick.value, std::max(0, -exponent));
  } else {
    tick.label = "10";
    tick.exponent = with_minus(std::to_string(exponent));
  }
  return tick;
}

// The least of 1, 2, 5 times a power of ten that is not below `least`.
double nice_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

std::vector<Tick> linear_ticks(const Range& range, int wanted) {
  std::vector<Tick> ticks;
  const double step = nice_step((range.high - range.low) / std::max(1, wanted));
  const double largest = std::max(std::abs(range.low), std::abs(range.high));
  const int digits = static_cast<int>(std::floor(std::log10(step) + 1e-9));
  const bool written_out = largest < 1e6 && digits >= -6;
  const double first = std::ceil(range.low / step - 1e-9);
  for (int i = 0; i < 1000; ++i) {
    const double value = (first + i) * step;
    if (value > range.high + 1e-9 * step) break;
    char text[32];
    const int needed =
        value == 0 ? 0 : std::max(0, static_cast<int>(std::log10(std::abs(value))) - digits);
    std::snprintf(text, sizeof text, "%.*e", std::min(needed, 12), value);
    ticks.push_back({value,
                     value == 0    ? "0"
                     : written_out ? fixed(value, std::max(0, -digits))
                                   : with_minus(text),
                     ""});
  }
  return ticks;
}

std::vector<Tick> log_ticks(const Range& range, int wanted) {
  std::vector<Tick> ticks;
  const int first = static_cast<int>(std::ceil(std::log10(range.low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(range.high) + 1e-9));
  if (last - first < 1) {
    for (int e = first - 1; e <= last; ++e)
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double value = factor * std::pow(10.0, e);
        if (value < range.low * (1 - 1e-9) || value > range.high * (1 + 1e-9)) continue;
        char text[32];
        std::snprintf(text, sizeof text, "%g", value);
        ticks.push_back({value, with_minus(text), ""});
      }
    return ticks.size() >= 2 ? ticks : linear_ticks(range, wanted);
  }
  const int step = std::max(1, (last - first + wanted) / std::max(1, wanted));
  for (int e = first; e <= last; e += step) ticks.push_back(power_tick(e));
  return ticks;
}

}  // namespace

double Range::share(double value) const {
  return log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
}

Result<Range> range_of(const Axis& axis, const std::vector<double>& values, double margin) {
  const bool log = axis.log;
  if (axis.range) {
    const auto [low, high] = *axis.range;
    const double most = std::max(std::abs(low), std::abs(high));
    if (!(most <= largest_value) || !(high - low > 1e-12 * most) || (log && low <= 0))
      return Error{Errc::usage, "axis \"" + axis.label + "\": " + std::to_string(low) + " to " +
                                    std::to_string(high) + " is no range" +
                                    (log ? " of a logarithmic axis" : "")};
    return Range{low, high, log};
  }
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const double v : values)
    if (std::isfinite(v) && (!log || v > 0)) {
      low = std::min(low, std::clamp(v, -largest_value, largest_value));
      high = std::max(high, std::clamp(v, -largest_value, largest_value));
    }
  if (low > high) return log ? Range{1, 10, true} : Range{0, 1, false};
  if (log) {
    const double wider = low == high ? 2 : std::pow(high / low, margin);
    return Range{std::max(low / wider, 1 / largest_value), high * wider, true};
  }
  const double most = std::max(std::abs(low), std::abs(high));
  const double wider = high - low > 1e-12 * most ? (high - low) * margin : most > 0 ? most / 2 : 1;
  return Range{low - wider, high + wider, false};
}

std::vector<Tick> ticks_of(const Range& range, int wanted) {
  return range.log ? log_ticks(range, wanted) : linear_ticks(range, wanted);
}

}  // namespace etalon::plot
