#include <charconv>
#include <cmath>

#include "etalon/codec.hpp"

namespace etalon {

Result<Bound> parse_bound(std::string_view text) {
  const auto fail = [&](const std::string& reason) {
    return Error{Errc::usage, "bound '" + std::string(text) + "': " + reason};
  };
  if (text == "lossless") return Bound::lossless();
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  for (std::string_view planned : {"rel", "pwrel", "sigma", "psnr", "ratio"})
    if (kind == planned)
      return fail("'" + std::string(kind) +
                  "' does not exist in this version; bounds are lossless and abs:E");
  if (kind != "abs" || colon == std::string_view::npos)
    return fail("expected lossless or abs:E, for instance abs:2");
  const std::string_view number = text.substr(colon + 1);
  double value = 0;
  const auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (status != std::errc{} || end != number.data() + number.size() || number.empty())
    return fail("'" + std::string(number) + "' is not a number");
  if (!std::isfinite(value) || value < 0 || std::signbit(value))
    return fail("the error must be finite and at least 0");
  return Bound::abs(value);
}

std::string to_string(const Bound& bound) {
  if (bound.kind == Bound::Kind::lossless) return "lossless";
  char text[32];
  const auto [end, status] = std::to_chars(text, text + sizeof text, bound.value);
  return "abs:" + std::string(text, end);
}

}  // namespace etalon
