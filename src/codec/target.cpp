#include <algorithm>
#include <charconv>
#include <cmath>

#include "codec/container_format.hpp"
#include "etalon/codec.hpp"

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

// How the target does under a bound: what is reached over what is wanted, at least 1 when met.
class Trial {
 public:
  Trial(const ArrayView& array, CompressOptions options, const Target& target)
      : array_(array),
        options_(with_ranges(std::move(options), array)),
        target_(target),
        finite_(finite_count(array)) {
    range_.add(array);
  }

  Result<bool> meets(double bound) {
    options_.bound = bound > 0 ? Bound::abs(bound) : Bound::lossless();
    ETALON_ASSIGN(const auto bytes, compress(array_, options_));
    if (target_.kind == Target::Kind::ratio)
      return static_cast<double>(array_.size_bytes()) >=
             target_.value * static_cast<double>(bytes.size());
    ETALON_ASSIGN(const Array decoded, decompress(bytes, options_.threads));
    const double sum = squared_error(array_, decoded.view());
    if (sum == 0) return true;
    const double rmse = std::sqrt(sum / static_cast<double>(finite_));
    return 20 * std::log10(range_.width() / rmse) >= target_.value;
  }
  double width() const { return range_.width(); }

 private:
  const ArrayView& array_;
  CompressOptions options_;
  Target target_;
  ValueRange range_;
  std::size_t finite_;
};

std::string to_text(double value) {
  char text[32];
  const auto [end, status] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
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

Result<Bound> find_bound(const ArrayView& array, const CompressOptions& options,
                         const Target& target) {
  Trial trial(array, options, target);
  const bool integers = !is_float(array.dtype);
  const bool wants_tight = target.kind == Target::Kind::ratio;  // ratio is met above, psnr below
  ETALON_ASSIGN(const bool exactly, trial.meets(0));
  if (wants_tight && exactly) return Bound::lossless();
  if (!wants_tight && !exactly)
    return Error{Errc::check, "psnr:" + to_text(target.value) + ": not even reached exactly"};
  // Bounds are searched among integers, or in steps of 2 % from 2^-40 of the range up.
  const double width = trial.width();
  const auto bound_of = [&](std::int64_t k) {
    return integers ? static_cast<double>(k)
                    : width * 0x1p-40 * std::pow(1.02, static_cast<double>(k));
  };
  const std::int64_t last =
      integers ? static_cast<std::int64_t>(std::min(width, 4294967295.0)) : 1400;
  // Doubling finds the end of what is met (psnr) or its beginning (ratio), halving the place.
  std::int64_t low = 0, high = 1;
  bool found = false;
  while (true) {
    high = std::min(high, std::max<std::int64_t>(last, 1));
    ETALON_ASSIGN(const bool met, trial.meets(bound_of(high)));
    if (met == wants_tight) {
      found = true;
      break;
    }
    low = high;
    if (high >= last) break;
    high *= 2;
  }
  if (!found)
    return wants_tight
               ? Result<Bound>(Error{Errc::check, "ratio:" + to_text(target.value) +
                                                      ": no bound of the default reaches it"})
               : Result<Bound>(Bound::abs(bound_of(low)));
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    ETALON_ASSIGN(const bool met, trial.meets(bound_of(middle)));
    (met == wants_tight ? high : low) = middle;
  }
  const std::int64_t best = wants_tight ? high : low;
  return best == 0 ? Bound::lossless() : Bound::abs(bound_of(best));
}

}  // namespace etalon
