#include "etalon/regions.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace etalon {
namespace {

struct Kind {
  std::string_view name;
  std::array<std::string_view, 2> required;
  std::array<std::string_view, 3> optional;
};
constexpr Kind kinds[] = {
    {"peaks", {"file", ""}, {"half", ""}},
    {"box", {"y", "x"}, {"", ""}},
    {"annulus", {"r", "centre"}, {"", ""}},
    {"mask", {"file", ""}, {"", ""}},
    {"active", {"quantile", ""}, {"window", "grow", "over"}},
};

Error fail(std::string_view text, const std::string& reason) {
  return {Errc::usage, "region '" + std::string(text) + "': " + reason};
}

bool takes(const Kind& kind, std::string_view key) {
  const auto has = [&](const auto& keys) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  return has(kind.required) || has(kind.optional);
}

std::string keys_of(const Kind& kind) {
  std::string keys;
  const auto add = [&](const auto& list) {
    for (const std::string_view key : list)
      if (!key.empty()) keys += (keys.empty() ? "" : ", ") + std::string(key);
  };
  add(kind.required);
  add(kind.optional);
  return keys;
}

bool parse_number(std::string_view text, double& value) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

// "A..B" with A <= B.
bool parse_range(std::string_view text, double& low, double& high) {
  const std::size_t dots = text.find("..");
  return dots != std::string_view::npos && parse_number(text.substr(0, dots), low) &&
         parse_number(text.substr(dots + 2), high) && low <= high;
}

bool parse_whole(std::string_view text, std::size_t& value) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc{} && end == text.data() + text.size();
}

bool parse_index_range(std::string_view text, std::size_t& low, std::size_t& high) {
  const std::size_t dots = text.find("..");
  return dots != std::string_view::npos && parse_whole(text.substr(0, dots), low) &&
         parse_whole(text.substr(dots + 2), high) && low <= high;
}

Error bad_value(const RegionSpec& spec, std::string_view key, const std::string& wanted) {
  return {Errc::usage, "region " + spec.kind + ": " + std::string(key) + "=" +
                           std::string(spec.get(key)) + ": expected " + wanted};
}

Result<void> check_values(const RegionSpec& spec) {
  std::size_t low = 0, high = 0;
  double a = 0, b = 0;
  if (spec.kind == "box")
    for (std::string_view key : {"y", "x"})
      if (!parse_index_range(spec.get(key), low, high))
        return bad_value(spec, key, "A..B with whole numbers A <= B");
  if (spec.kind == "annulus") {
    if (!parse_range(spec.get("r"), a, b) || a < 0)
      return bad_value(spec, "r", "A..B with 0 <= A <= B");
    const std::string_view centre = spec.get("centre");
    const std::size_t slash = centre.find('/');
    if (slash == std::string_view::npos || !parse_number(centre.substr(0, slash), a) ||
        !parse_number(centre.substr(slash + 1), b))
      return bad_value(spec, "centre", "X/Y in pixels");
  }
  if (spec.kind == "active") {
    if (!parse_number(spec.get("quantile"), a) || a < 0 || a > 1)
      return bad_value(spec, "quantile", "a number from 0 to 1");
    if (const std::string_view over = spec.get("over");
        !over.empty() && over != "image" && over != "array")
      return bad_value(spec, "over", "image or array");
    if (const std::string_view window = spec.get("window");
        !window.empty() && (!parse_whole(window, low) || low < 3 || low > 63 || low % 2 == 0))
      return bad_value(spec, "window", "an odd number from 3 to 63");
  }
  for (std::string_view key : {"half", "grow"})
    if (const std::string_view reach = spec.get(key);
        !reach.empty() && (!parse_whole(reach, low) || low > 1000))
      return bad_value(spec, key, "a whole number from 0 to 1000");
  if (spec.kind == "peaks" || spec.kind == "mask")
    if (spec.get("file").empty()) return bad_value(spec, "file", "a file's name");
  return {};
}

}  // namespace

std::string_view RegionSpec::get(std::string_view key) const {
  for (const auto& [name, value] : parameters)
    if (name == key) return value;
  return {};
}

Result<RegionSpec> parse_region(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos)
    return fail(text,
                "expected KIND[:key=value,...]@BOUND, for instance box:y=0..9,x=0..9@lossless");
  RegionSpec spec;
  auto bound = parse_bound(text.substr(at + 1));
  if (!bound.ok()) return fail(text, bound.error().message);
  spec.bound = *bound;
  const std::string_view left = text.substr(0, at);
  const std::size_t colon = left.find(':');
  spec.kind = left.substr(0, colon);
  const auto kind = std::find_if(std::begin(kinds), std::end(kinds),
                                 [&](const Kind& k) { return k.name == spec.kind; });
  if (kind == std::end(kinds))
    return fail(text,
                "unknown kind '" + spec.kind + "': kinds are peaks, box, annulus, mask, active");
  std::string_view rest =
      colon == std::string_view::npos ? std::string_view{} : left.substr(colon + 1);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos)
      return fail(text, "'" + std::string(item) + "' is not key=value");
    const std::string_view key = item.substr(0, equals);
    if (key.empty() || !takes(*kind, key))
      return fail(text, "unknown key '" + std::string(key) + "': " + spec.kind + " takes " +
                            keys_of(*kind));
    if (!spec.get(key).empty()) return fail(text, "key '" + std::string(key) + "' twice");
    spec.parameters.emplace_back(key, item.substr(equals + 1));
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
    if (rest.empty()) return fail(text, "ends with ','");
  }
  for (std::string_view key : kind->required)
    if (!key.empty() && spec.get(key).empty())
      return fail(text, spec.kind + " needs " + std::string(key) + "=");
  ETALON_TRY(check_values(spec));
  return spec;
}

std::vector<std::uint8_t> Region::members(std::size_t ny, std::size_t nx) const {
  std::vector<std::uint8_t> inside(where.begin(), where.end());
  inside.resize(ny * nx);
  for (const Centre& c : centres) {
    const std::size_t y0 = c.y - std::min(c.y, half), x0 = c.x - std::min(c.x, half);
    const std::size_t y1 = std::min<std::size_t>(ny, std::size_t{c.y} + half + 1);
    const std::size_t x1 = std::min<std::size_t>(nx, std::size_t{c.x} + half + 1);
    for (std::size_t y = y0; y < y1; ++y)
      for (std::size_t x = x0; x < x1; ++x) inside[y * nx + x] = 1;
  }
  return inside;
}

Region peaks_region(std::span<const Peak> peaks, std::size_t half, std::size_t ny, std::size_t nx,
                    const Bound& bound) {
  Region region{"peaks", bound};
  region.half = static_cast<std::uint32_t>(half);
  for (const Peak& p : peaks) {
    const double y = std::floor(p.y + 0.5), x = std::floor(p.x + 0.5);
    // A peak whose middle is off the image has nothing on it that would be worth a box.
    if (!(y >= 0 && x >= 0 && y < static_cast<double>(ny) && x < static_cast<double>(nx))) continue;
    region.centres.push_back({static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(x)});
  }
  return region;
}

Result<Region> box_region(const RegionSpec& spec, std::size_t ny, std::size_t nx) {
  std::size_t y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  if (!parse_index_range(spec.get("y"), y0, y1))
    return bad_value(spec, "y", "A..B with whole numbers A <= B");
  if (!parse_index_range(spec.get("x"), x0, x1))
    return bad_value(spec, "x", "A..B with whole numbers A <= B");
  Region region{"box", spec.bound, std::vector<std::uint8_t>(ny * nx)};
  for (std::size_t y = std::min(y0, ny); y < std::min(y1, ny); ++y)
    for (std::size_t x = std::min(x0, nx); x < std::min(x1, nx); ++x) region.where[y * nx + x] = 1;
  return region;
}

Result<Region> annulus_region(const RegionSpec& spec, std::size_t ny, std::size_t nx) {
  double inner = 0, outer = 0, centre_x = 0, centre_y = 0;
  if (!parse_range(spec.get("r"), inner, outer) || inner < 0)
    return bad_value(spec, "r", "A..B with 0 <= A <= B");
  const std::string_view centre = spec.get("centre");
  const std::size_t slash = centre.find('/');
  if (slash == std::string_view::npos || !parse_number(centre.substr(0, slash), centre_x) ||
      !parse_number(centre.substr(slash + 1), centre_y))
    return bad_value(spec, "centre", "X/Y in pixels");
  Region region{"annulus", spec.bound, std::vector<std::uint8_t>(ny * nx)};
  for (std::size_t y = 0; y < ny; ++y)
    for (std::size_t x = 0; x < nx; ++x) {
      const double dy = static_cast<double>(y) - centre_y, dx = static_cast<double>(x) - centre_x;
      const double r2 = dx * dx + dy * dy;
      region.where[y * nx + x] = r2 >= inner * inner && r2 < outer * outer;
    }
  return region;
}

}  // namespace etalon
