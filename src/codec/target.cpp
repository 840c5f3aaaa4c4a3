#include "codec/target.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace etalon {
namespace {

// The sum of squared differences of elements that are finite in the original.
double squared_error(const ArrayView& original, const ArrayView& decoded) {
  return visit(original.dtype, [&](auto zero) {
    using T = decltype(zero);
    return visit(decoded.dtype, [&](auto other) {
      const auto a = original.as<T>();
      const auto b = decoded.as<decltype(other)>();
      double sum = 0;
      for (std::size_t i = 0; i < a.size(); ++i) {
        const double e = static_cast<double>(b[i]) - static_cast<double>(a[i]);
        if (std::isfinite(static_cast<double>(a[i]))) sum += e * e;
      }
      return sum;
    });
  });
}

std::size_t finite_count(const ArrayView& array) {
  return visit(array.dtype, [&](auto zero) {
    std::size_t n = 0;
    for (const auto v : array.as<decltype(zero)>()) n += std::isfinite(static_cast<double>(v));
    return n;
  });
}

// What is reached under bounds, which are numbered from 0, exact, to the loosest that makes sense.
class Trial {
 public:
  Trial(const ArrayView& array, CompressOptions options, const Target& target)
      : array_(array),
        options_(with_ranges(std::move(options), array)),
        target_(target),
        finite_(finite_count(array)) {
    range_.add(array);
  }

  Result<double> reached(double bound) {
    options_.bound = bound_of(bound);
    ETALON_ASSIGN(const auto bytes, compress(array_, options_));
    if (target_.kind == Target::Kind::ratio)
      return static_cast<double>(array_.size_bytes()) / static_cast<double>(bytes.size());
    ETALON_ASSIGN(const Array decoded, decompress(bytes, options_.threads));
    const double sum = squared_error(array_, decoded.view());
    if (sum == 0) return std::numeric_limits<double>::infinity();
    return 20 * std::log10(range_.width() / std::sqrt(sum / static_cast<double>(finite_)));
  }
  static Bound bound_of(double bound) { return bound > 0 ? Bound::abs(bound) : Bound::lossless(); }

  // Integers, or steps of 2 % from 2^-40 of the range up.
  double bound_at(std::int64_t k) const {
    if (k == 0) return 0;
    return is_float(array_.dtype)
               ? range_.width() * 0x1p-40 * std::pow(1.02, static_cast<double>(k))
               : static_cast<double>(k);
  }
  std::int64_t last() const {
    constexpr std::int64_t beyond_range = 1400;  // 1.02^1400 = 2^40
    if (is_float(array_.dtype)) return beyond_range;
    return std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::min(range_.width(), 4294967295.0)));
  }

 private:
  const ArrayView& array_;
  CompressOptions options_;
  Target target_;
  ValueRange range_;
  std::size_t finite_;
};

// A bound and what it reaches.
struct Point {
  double bound = 0, reached = 0;
};

std::string to_text(double value) {
  char text[32];
  const auto [end, status] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
}

std::string to_short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

bool names_target(std::string_view text) {
  return text.starts_with("psnr") || text.starts_with("ratio");
}

Result<Target> parse_target(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  Target target;
  target.kind = name == "ratio" ? Target::Kind::ratio : Target::Kind::psnr;
  const std::string_view number =
      colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  const auto [end, status] =
      std::from_chars(number.data(), number.data() + number.size(), target.value);
  if ((name != "psnr" && name != "ratio") || status != std::errc{} ||
      end != number.data() + number.size() || number.empty() || !(target.value > 0) ||
      !std::isfinite(target.value))
    return Error{Errc::usage, "target '" + std::string(text) +
                                  "': expected psnr:D or ratio:X with a number above 0"};
  return target;
}

Result<codec::MetTarget> codec::meet_target(const ArrayView& array, const CompressOptions& options,
                                            const Target& target) {
  Trial trial(array, options, target);
  const bool is_ratio = target.kind == Target::Kind::ratio;
  const char* const unit = is_ratio ? "" : " dB";
  const std::string name = (is_ratio ? "ratio:" : "psnr:") + to_text(target.value);
  const auto met_by = [&](const Point& p) { return p.reached >= target.value; };
  const auto close = [&](const Point& p) { return met_by(p) && p.reached <= 1.02 * target.value; };
  const auto try_bound = [&](double bound) -> Result<Point> {
    ETALON_ASSIGN(const double reached, trial.reached(bound));
    return Point{bound, reached};
  };
  ETALON_ASSIGN(Point tight, try_bound(0));
  if (is_ratio && met_by(tight))
    return MetTarget{Bound::lossless(), tight.reached,
                     close(tight) ? "" : "without loss the ratio is above it"};
  if (!is_ratio && !met_by(tight))
    return Error{Errc::check, name + ": regions with bounds of their own allow " +
                                  to_short(tight.reached) + " dB at most"};
  // Bounds loosen from `tight`, on one side of the target, to `loose` on the other: doubling finds
  // it, halving the place. Between neighbours among floats halving goes on while that is too
  // coarse.
  Point loose = tight;
  std::int64_t low = 0, high = 1;
  while (true) {
    high = std::min(high, trial.last());
    ETALON_ASSIGN(loose, try_bound(trial.bound_at(high)));
    if (met_by(loose) == is_ratio) break;
    if (high == trial.last()) {
      if (is_ratio)
        return Error{Errc::check, name + ": no bound reaches it; the loosest, " +
                                      to_string(Trial::bound_of(loose.bound)) + ", has " +
                                      to_short(loose.reached)};
      return MetTarget{Trial::bound_of(loose.bound), loose.reached,
                       close(loose) ? "" : "no looser bound changes more"};
    }
    low = high;
    tight = loose;
    high *= 2;
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    ETALON_ASSIGN(const Point between, try_bound(trial.bound_at(middle)));
    const bool beyond = met_by(between) == is_ratio;
    (beyond ? high : low) = middle;
    (beyond ? loose : tight) = between;
  }
  const auto best = [&]() -> Point& { return is_ratio ? loose : tight; };
  for (int halvings = 0; is_float(array.dtype) && low > 0 && halvings < 6 && !close(best());
       ++halvings) {
    ETALON_ASSIGN(const Point between, try_bound((tight.bound + loose.bound) / 2));
    (met_by(between) == is_ratio ? loose : tight) = between;
  }
  MetTarget met{Trial::bound_of(best().bound), best().reached, ""};
  if (close(best())) return met;
  const Point& other = is_ratio ? tight : loose;
  met.remark = std::string(is_ratio ? "the next tighter bound, " : "the next looser bound, ") +
               to_string(Trial::bound_of(other.bound)) + ", has " + to_short(other.reached) + unit;
  return met;
}

Result<Bound> find_bound(const ArrayView& array, const CompressOptions& options,
                         const Target& target) {
  ETALON_ASSIGN(const auto met, codec::meet_target(array, options, target));
  return met.bound;
}

}  // namespace etalon
