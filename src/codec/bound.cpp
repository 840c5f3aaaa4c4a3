#include <array>
#include <charconv>
#include <cmath>

#include "etalon/codec.hpp"

namespace etalon {
namespace {

bool parse_number(std::string_view text, double& value) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc{} && end == text.data() + text.size() && !text.empty() &&
         std::isfinite(value);
}

std::string number(double value) {
  std::array<char, 32> text;
  const auto [end, status] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

// Sets what "key=value" says; false where the kind has no such key or the value does not fit.
bool set(Bound& bound, std::string_view key, std::string_view value) {
  if (bound.kind == Bound::Kind::sigma && key == "gain")
    return parse_number(value, bound.gain) && bound.gain >= 0;
  if (bound.kind == Bound::Kind::sigma && key == "noise")
    return parse_number(value, bound.noise) && bound.noise >= 0;
  const std::size_t dots = value.find("..");
  return bound.kind == Bound::Kind::rel && key == "range" && dots != std::string_view::npos &&
         parse_number(value.substr(0, dots), bound.low) &&
         parse_number(value.substr(dots + 2), bound.high) && bound.low <= bound.high &&
         std::isfinite(bound.high - bound.low);
}

}  // namespace

double Bound::tolerance(double x) const {
  switch (kind) {
    case Kind::lossless:
      return 0;
    case Kind::abs:
      return value;
    case Kind::rel:
      return value * (high - low);
    case Kind::pwrel:
      return value * std::abs(x);
    case Kind::sigma:
      return value * std::sqrt(gain * std::max(x, 0.0) + noise * noise);
  }
  return 0;
}

double Bound::error(double x, double distance) const {
  if (distance == 0 || kind == Kind::lossless || kind == Kind::abs) return distance;
  const double unit = Bound{kind, 1, low, high, gain, noise}.tolerance(x);
  // Where the element is within its bound, the quotient's rounding must not say otherwise.
  const double quotient = distance / unit;
  return distance <= tolerance(x) ? std::min(quotient, value) : quotient;
}

Result<Bound> parse_bound(std::string_view text) {
  const auto fail = [&](const std::string& reason) {
    return Error{Errc::usage, "bound '" + std::string(text) + "': " + reason};
  };
  if (text == "lossless") return Bound::lossless();
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  Bound bound;
  if (name == "abs")
    bound.kind = Bound::Kind::abs;
  else if (name == "rel")
    bound.kind = Bound::Kind::rel;
  else if (name == "pwrel")
    bound.kind = Bound::Kind::pwrel;
  else if (name == "sigma")
    bound.kind = Bound::Kind::sigma;
  if (bound.kind == Bound::Kind::lossless || colon == std::string_view::npos)
    return fail(
        "expected lossless, abs:E, rel:R[,range=A..B], pwrel:R or sigma:S[,gain=G][,noise=N]");
  std::string_view rest = text.substr(colon + 1);
  const std::size_t comma = rest.find(',');
  const std::string_view value = rest.substr(0, comma);
  if (!parse_number(value, bound.value))
    return fail("'" + std::string(value) + "' is not a number");
  if (bound.value < 0 || std::signbit(bound.value))
    return fail("the error must be finite and at least 0");
  if (bound.kind == Bound::Kind::pwrel && bound.value >= 1)
    return fail("a relative error of 1 or more keeps nothing");
  while (rest.find(',') != std::string_view::npos) {
    rest = rest.substr(rest.find(',') + 1);
    const std::string_view item = rest.substr(0, rest.find(','));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos ||
        !set(bound, item.substr(0, equals), item.substr(equals + 1)))
      return fail("'" + std::string(item) + "' is not what " + std::string(name) + " takes");
  }
  return bound;
}

std::string to_string(const Bound& bound) {
  switch (bound.kind) {
    case Bound::Kind::lossless:
      return "lossless";
    case Bound::Kind::abs:
      return "abs:" + number(bound.value);
    case Bound::Kind::rel:
      return "rel:" + number(bound.value) +
             (bound.low == 0 && bound.high == 0
                  ? ""
                  : ",range=" + number(bound.low) + ".." + number(bound.high));
    case Bound::Kind::pwrel:
      return "pwrel:" + number(bound.value);
    case Bound::Kind::sigma:
      return "sigma:" + number(bound.value) +
             (bound.gain == 1 ? "" : ",gain=" + number(bound.gain)) +
             (bound.noise == 0 ? "" : ",noise=" + number(bound.noise));
  }
  return {};
}

}  // namespace etalon
