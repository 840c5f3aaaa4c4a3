#include "analyse/ring_pixels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/dot/dot.hpp"

namespace etalon {

Result<QRings> make_rings(const SeriesInfo& info, double q_min, double q_max, std::size_t count) {
  const Geometry& g = info.geometry;
  const auto usage = [&](const std::string& reason) {
    return Error{Errc::usage, info.name + ": " + reason};
  };
  if (!(g.wavelength_angstrom > 0 && g.distance_m > 0 && g.pixel_size_x_m > 0))
    return usage("wavelength, distance or pixel size are not known: there is no q");
  if (count == 0 || count > 10000) return usage("rings: 1 to 10000");
  if (!(q_min >= 0 && std::isfinite(q_min) && q_max >= 0 && std::isfinite(q_max)))
    return usage("q: finite, and not below 0");
  const std::vector<float> radius = radius_map(g);
  const Mask mask = info.mask();
  std::vector<double> q(radius.size(), -1);
  double farthest = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (mask[i] == 0 || !std::isfinite(radius[i])) continue;
    const double angle =
        std::atan(static_cast<double>(radius[i]) * g.pixel_size_x_m / g.distance_m);
    q[i] = 4 * std::numbers::pi * std::sin(angle / 2) / g.wavelength_angstrom;
    farthest = std::max(farthest, q[i]);
  }
  if (q_max == 0) q_max = farthest * (1 + 1e-12);
  if (!(q_max > q_min))
    return usage("q: no range from " + std::to_string(q_min) + " to " + std::to_string(q_max));
  std::vector<std::vector<std::uint32_t>> members(count);
  std::vector<double> sums(count);
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (q[i] < q_min || q[i] >= q_max) continue;
    const auto ring = std::min(
        count - 1,
        static_cast<std::size_t>((q[i] - q_min) / (q_max - q_min) * static_cast<double>(count)));
    members[ring].push_back(static_cast<std::uint32_t>(i));
    sums[ring] += q[i];
  }
  QRings rings;
  rings.begin.push_back(0);
  for (std::size_t r = 0; r < count; ++r) {
    if (members[r].empty()) continue;
    rings.q.push_back(sums[r] / static_cast<double>(members[r].size()));
    rings.pixels.insert(rings.pixels.end(), members[r].begin(), members[r].end());
    rings.begin.push_back(static_cast<std::uint32_t>(rings.pixels.size()));
  }
  if (rings.pixels.empty()) return usage("q: no good pixel in this range");
  return rings;
}

RingsPart part_of(const QRings& rings, std::size_t from, std::size_t to) {
  RingsPart part;
  part.rings.begin.push_back(0);
  for (std::size_t r = 0; r < rings.count(); ++r) {
    const std::size_t begin = std::max<std::size_t>(rings.begin[r], from),
                      end = std::min<std::size_t>(rings.begin[r + 1], to);
    if (begin >= end) continue;
    if (part.rings.q.empty()) part.first_ring = r;
    part.rings.q.push_back(rings.q[r]);
    part.rings.begin.push_back(static_cast<std::uint32_t>(end - from));
  }
  if (!part.rings.q.empty())
    part.rings.pixels.assign(rings.pixels.begin() + static_cast<std::ptrdiff_t>(from),
                             rings.pixels.begin() + static_cast<std::ptrdiff_t>(to));
  return part;
}

Result<RingCounts> counts_of(const QRings& rings, const ArrayView& image) {
  Result<RingCounts> taken = Error{Errc::usage, "photon correlation: elements of type " +
                                                    std::string(name_of(image.dtype)) +
                                                    "; counts are integers of at most 32 bits"};
  visit(image.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
      const std::span<const T> all = image.as<T>();
      RingCounts counts;
      counts.values.reserve(rings.pixels.size());
      for (const std::uint32_t i : rings.pixels) {
        const std::int64_t v = all[i], size = std::abs(v);
        if (size > most_counts) {
          taken = Error{Errc::malformed,
                        "pixel " + std::to_string(i) + ": " + std::to_string(v) + " is no count"};
          return;
        }
        counts.values.push_back(static_cast<std::int32_t>(v));
        counts.largest = std::max(counts.largest, static_cast<std::uint32_t>(size));
      }
      taken = std::move(counts);
    }
  });
  return taken;
}

RingPixels::RingPixels(const QRings& rings, std::vector<std::int32_t> values, std::uint32_t most)
    : bound(most), sums(rings.count()), wide_(std::move(values)) {
  for (std::size_t r = 0; r < rings.count(); ++r)
    for (std::size_t i = rings.begin[r]; i < rings.begin[r + 1]; ++i) {
      sums[r] += wide_[i];
      largest_ = std::max(largest_, static_cast<std::uint32_t>(std::abs(std::int64_t{wide_[i]})));
    }
  if (largest_ > 32767) return;
  narrow_.assign(wide_.begin(), wide_.end());
  wide_ = {};
}

std::vector<std::int32_t> RingPixels::plus(const RingPixels& other) const {
  std::vector<std::int32_t> values(size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = at(i) + other.at(i);
  return values;
}

Int128 RingPixels::times(const RingPixels& other, std::size_t from, std::size_t to) const {
  if (wide_.empty() && other.wide_.empty())
    return dot(std::span(narrow_).subspan(from, to - from),
               std::span(other.narrow_).subspan(from, to - from), largest_, other.largest_);
  Int128 sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += std::int64_t{at(i)} * other.at(i);
  return sum;
}

}  // namespace etalon
