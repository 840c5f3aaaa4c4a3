#include "analyse/science.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace etalon {
namespace {

// The finder takes u8 u16 u32 i16 i32 f32. Wider integers are cut to 32 bits, as it cuts u32.
std::optional<DType> findable_type(DType type) {
  switch (type) {
    case DType::i8:
      return DType::i16;
    case DType::u64:
    case DType::i64:
      return DType::i32;
    case DType::f64:
      return DType::f32;
    default:
      return std::nullopt;
  }
}

template <typename To, typename From>
To cut_to(From value) {
  if constexpr (std::is_integral_v<To> && sizeof(From) > sizeof(To)) {
    if constexpr (std::is_signed_v<From>)
      return static_cast<To>(
          std::clamp<From>(value, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
    else
      return static_cast<To>(std::min<From>(value, std::numeric_limits<To>::max()));
  } else {
    return static_cast<To>(value);
  }
}

Array converted(const ArrayView& image, DType type) {
  Array out(type, image.shape);
  visit(image.dtype, [&](auto from) {
    visit(type, [&](auto to) {
      const auto in = image.as<decltype(from)>();
      const auto wide = out.as<decltype(to)>();
      for (std::size_t i = 0; i < in.size(); ++i) wide[i] = cut_to<decltype(to)>(in[i]);
    });
  });
  return out;
}

std::vector<Place> weak_places(std::span<const Place> predicted, std::span<const Peak> peaks) {
  std::vector<Place> weak;
  for (const Place& place : predicted)
    if (std::none_of(peaks.begin(), peaks.end(), [&](const Peak& peak) {
          return std::abs(static_cast<double>(peak.x) - place.x) <= weak_clearance_px &&
                 std::abs(static_cast<double>(peak.y) - place.y) <= weak_clearance_px;
        }))
      weak.push_back(place);
  return weak;
}

std::vector<std::optional<SpotSum>> sums_of(const ArrayView& image, const Mask& mask,
                                            const std::vector<Place>& places,
                                            const Aperture& aperture) {
  std::vector<std::optional<SpotSum>> sums;
  sums.reserve(places.size());
  for (const Place& place : places)
    sums.push_back(sum_spot(image, mask, place.x, place.y, aperture));
  return sums;
}

}  // namespace

ScienceJudge::ScienceJudge(Finder finder, std::shared_ptr<const Pixels> pixels,
                           std::shared_ptr<const CrystalFinder> crystals,
                           const ScienceSettings& settings)
    : settings_(settings),
      finder_(std::move(finder)),
      pixels_(std::move(pixels)),
      crystals_(std::move(crystals)) {}

Result<ScienceJudge::Pixels> ScienceJudge::pixels_of(const Geometry& geometry, const Mask& mask) {
  constexpr float most_bins = 1 << 24;  // the beam may lie far outside the image
  const std::vector<float> radius = radius_map(geometry);
  Pixels pixels{mask, std::vector<std::uint32_t>(mask.size()), 0};
  float nearest = std::numeric_limits<float>::infinity(), farthest = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (!std::isfinite(radius[i])) pixels.mask[i] = 0;  // in no panel
    if (pixels.mask[i] == 0) continue;
    nearest = std::min(nearest, radius[i]);
    farthest = std::max(farthest, radius[i]);
  }
  if (nearest > farthest) return pixels;
  if (farthest - nearest > most_bins)
    return Error{Errc::usage, "pixels at " + std::to_string(nearest) + " and at " +
                                  std::to_string(farthest) + " pixels from the beam"};
  const std::int64_t first = std::llround(nearest);
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (pixels.mask[i] != 0)
      pixels.bin[i] = static_cast<std::uint32_t>(std::llround(radius[i]) - first);
  pixels.bins = static_cast<std::uint32_t>(std::llround(farthest) - first) + 1;
  return pixels;
}

Result<ScienceJudge> ScienceJudge::create(const Geometry& geometry, const Mask& mask,
                                          const ScienceSettings& settings) {
  if (!(settings.gain > 0 && std::isfinite(settings.gain)))
    return Error{Errc::usage, "gain " + std::to_string(settings.gain) + ": must be above 0"};
  ETALON_ASSIGN(Finder finder, Finder::create(geometry, mask, settings.finder));
  ETALON_ASSIGN(Pixels pixels, pixels_of(geometry, mask));
  std::shared_ptr<const CrystalFinder> crystals;
  if (settings.crystals) {
    ETALON_ASSIGN(CrystalFinder made,
                  CrystalFinder::create(geometry, mask, settings.crystals->crystals));
    crystals = std::make_shared<const CrystalFinder>(std::move(made));
  }
  return ScienceJudge(std::move(finder), std::make_shared<const Pixels>(std::move(pixels)),
                      std::move(crystals), settings);
}

Result<std::vector<Peak>> ScienceJudge::find(const ArrayView& image) {
  const auto type = findable_type(image.dtype);
  return type ? finder_.find(converted(image, *type).view()) : finder_.find(image);
}

void ScienceJudge::measure(const ArrayView& image, FrameLook& look) const {
  const Pixels& pixels = *pixels_;
  look.strong_sums = sums_of(image, pixels.mask, look.strong, strong_aperture);
  look.weak_sums = sums_of(image, pixels.mask, look.weak, weak_aperture);
  if (crystals_ && look.peaks.size() >= settings_.min_peaks)
    look.crystals = crystals_->look_at(image, look.peaks);
  look.profile.pixels.assign(pixels.bins, 0);
  look.profile.sum.assign(pixels.bins, 0);
  visit(image.dtype, [&](auto zero) {
    const auto values = image.as<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      if (pixels.mask[i] == 0 || !std::isfinite(value)) continue;
      ++look.profile.pixels[pixels.bin[i]];
      look.profile.sum[pixels.bin[i]] += value;
    }
  });
}

Result<FrameLook> ScienceJudge::look_at_raw(const ArrayView& image,
                                            std::span<const Place> predicted) {
  FrameLook look;
  ETALON_ASSIGN(look.peaks, find(image));
  for (const Peak& peak : look.peaks)
    look.strong.push_back({static_cast<double>(peak.x), static_cast<double>(peak.y)});
  look.weak = weak_places(predicted, look.peaks);
  measure(image, look);
  return look;
}

Result<FrameLook> ScienceJudge::look_at_reduced(const ArrayView& image, const FrameLook& raw) {
  FrameLook look;
  ETALON_ASSIGN(look.peaks, find(image));
  look.strong = raw.strong;
  look.weak = raw.weak;
  measure(image, look);
  return look;
}

std::size_t matched_peaks(std::span<const Peak> these, std::span<const Peak> those) {
  std::vector<std::size_t> by_y(those.size());
  for (std::size_t i = 0; i < by_y.size(); ++i) by_y[i] = i;
  std::sort(by_y.begin(), by_y.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(those[a].y, a) < std::pair(those[b].y, b);
  });
  struct Pair {
    double distance2;
    std::size_t a, b;
    bool operator<(const Pair& other) const {
      return std::tie(distance2, a, b) < std::tie(other.distance2, other.a, other.b);
    }
  };
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < these.size(); ++a) {
    const double x = static_cast<double>(these[a].x), y = static_cast<double>(these[a].y);
    const auto below = [&](std::size_t i, double limit) {
      return static_cast<double>(those[i].y) < limit;
    };
    for (auto i = std::lower_bound(by_y.begin(), by_y.end(), y - match_px, below);
         i != by_y.end() && static_cast<double>(those[*i].y) <= y + match_px; ++i) {
      const double dx = static_cast<double>(those[*i].x) - x;
      const double dy = static_cast<double>(those[*i].y) - y;
      if (dx * dx + dy * dy <= match_px * match_px) pairs.push_back({dx * dx + dy * dy, a, *i});
    }
  }
  std::sort(pairs.begin(), pairs.end());
  std::vector<bool> taken_a(these.size()), taken_b(those.size());
  std::size_t matched = 0;
  for (const Pair& pair : pairs) {
    if (taken_a[pair.a] || taken_b[pair.b]) continue;
    taken_a[pair.a] = taken_b[pair.b] = true;
    ++matched;
  }
  return matched;
}

}  // namespace etalon
