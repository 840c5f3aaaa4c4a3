#include "analyse/photon_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/thread_pool.hpp"
#include "kernels/dot/dot.hpp"

namespace etalon {
namespace {

using Int128 = __int128;

// The rings' pixels of a frame, or of a sum of frames: of 16 bits where they fit.
struct Pixels {
  std::vector<std::int16_t> narrow;
  std::vector<std::int32_t> wide;  // if not narrow
  std::uint32_t largest = 0;       // of the absolute values
  std::vector<std::int64_t> sums;  // of the rings

  std::size_t size() const { return wide.empty() ? narrow.size() : wide.size(); }
  std::int32_t at(std::size_t i) const { return wide.empty() ? narrow[i] : wide[i]; }
};

// From what get(i) says of pixel i.
template <typename F>
Pixels pixels_from(const QRings& rings, F&& get) {
  Pixels pixels;
  pixels.wide.resize(rings.pixels.size());
  pixels.sums.resize(rings.count());
  for (std::size_t r = 0; r < rings.count(); ++r)
    for (std::size_t i = rings.begin[r]; i < rings.begin[r + 1]; ++i) {
      const std::int64_t v = get(i);
      pixels.wide[i] = static_cast<std::int32_t>(v);
      pixels.sums[r] += v;
      pixels.largest = std::max(pixels.largest, static_cast<std::uint32_t>(std::abs(v)));
    }
  if (pixels.largest <= 32767) {
    pixels.narrow.assign(pixels.wide.begin(), pixels.wide.end());
    pixels.wide = {};
  }
  return pixels;
}

Result<Pixels> take(const QRings& rings, const ArrayView& image) {
  Result<Pixels> taken = Error{Errc::usage, "photon correlation: elements of type " +
                                                std::string(name_of(image.dtype)) +
                                                "; counts are integers of at most 32 bits"};
  visit(image.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
      const std::span<const T> all = image.as<T>();
      constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
      for (const std::uint32_t i : rings.pixels)
        if (std::int64_t{all[i]} > most || std::int64_t{all[i]} < -most) {
          taken = Error{Errc::malformed, "pixel " + std::to_string(i) + ": " +
                                             std::to_string(all[i]) + " is no count"};
          return;
        }
      taken = pixels_from(rings, [&](std::size_t i) { return std::int64_t{all[rings.pixels[i]]}; });
    }
  });
  return taken;
}

Int128 product(const Pixels& a, const Pixels& b, std::size_t from, std::size_t to) {
  if (a.wide.empty() && b.wide.empty())
    return dot(std::span(a.narrow).subspan(from, to - from),
               std::span(b.narrow).subspan(from, to - from), a.largest, b.largest);
  Int128 sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += std::int64_t{a.at(i)} * b.at(i);
  return sum;
}

}  // namespace

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

struct MultiTau::Impl {
  struct Sums {  // of a lag and a ring
    Int128 product = 0, before = 0, after = 0;
  };
  struct Level {
    std::deque<Pixels> past;           // at most `channels`, the newest last
    std::uint64_t frames = 0;          // all that came
    std::vector<Sums> sums;            // [lag][ring]
    std::vector<std::uint64_t> pairs;  // of a lag
  };
  QRings rings;
  std::size_t channels;
  ThreadPool pool;
  std::vector<Level> levels;

  Impl(QRings r, std::size_t c, unsigned threads)
      : rings(std::move(r)), channels(c), pool(threads == 1 ? 1 : threads) {}

  std::size_t first_lag(std::size_t level) const { return level == 0 ? 1 : channels / 2 + 1; }

  void add(std::size_t l, Pixels frame) {
    if (l == levels.size()) {
      levels.emplace_back();
      levels[l].sums.resize((channels - first_lag(l) + 1) * rings.count());
      levels[l].pairs.resize(channels - first_lag(l) + 1);
    }
    Level& level = levels[l];
    const std::size_t first = first_lag(l), known = level.past.size();
    if (known >= first)
      pool.for_each(std::min(known, channels) - first + 1, [&](std::size_t i) {
        const Pixels& before = level.past[known - (first + i)];
        ++level.pairs[i];
        for (std::size_t r = 0; r < rings.count(); ++r) {
          Sums& sums = level.sums[i * rings.count() + r];
          sums.product += product(before, frame, rings.begin[r], rings.begin[r + 1]);
          sums.before += before.sums[r];
          sums.after += frame.sums[r];
        }
      });
    level.past.push_back(std::move(frame));
    if (level.past.size() > channels) level.past.pop_front();
    if (++level.frames % 2 != 0) return;
    const Pixels &a = level.past[level.past.size() - 2], &b = level.past.back();
    // Sums of frames that no longer fit have no coarser level; there are 2^15 of them by then.
    if (std::uint64_t{a.largest} + b.largest > 0x7FFFFFFF) return;
    add(l + 1, pixels_from(rings, [&](std::size_t i) { return std::int64_t{a.at(i)} + b.at(i); }));
  }
};

MultiTau::MultiTau(QRings rings, std::size_t channels, unsigned threads)
    : impl_(std::make_unique<Impl>(std::move(rings),
                                   std::clamp<std::size_t>(channels / 2 * 2, 4, 1024), threads)) {}
MultiTau::~MultiTau() = default;
MultiTau::MultiTau(MultiTau&&) noexcept = default;
MultiTau& MultiTau::operator=(MultiTau&&) noexcept = default;

Result<void> MultiTau::add(const ArrayView& image) {
  ETALON_ASSIGN(Pixels pixels, take(impl_->rings, image));
  impl_->add(0, std::move(pixels));
  return {};
}

std::uint64_t MultiTau::frames() const {
  return impl_->levels.empty() ? 0 : impl_->levels.front().frames;
}
const QRings& MultiTau::rings() const { return impl_->rings; }

std::vector<Correlation> MultiTau::curve(std::size_t ring) const {
  std::vector<Correlation> curve;
  const std::size_t rings = impl_->rings.count();
  for (std::size_t l = 0; l < impl_->levels.size(); ++l) {
    const Impl::Level& level = impl_->levels[l];
    for (std::size_t i = 0; i < level.pairs.size(); ++i) {
      const Impl::Sums& sums = level.sums[i * rings + ring];
      if (level.pairs[i] == 0 || sums.before <= 0 || sums.after <= 0) continue;
      const auto n =
          static_cast<double>(impl_->rings.size(ring)) * static_cast<double>(level.pairs[i]);
      curve.push_back({(impl_->first_lag(l) + i) << l, level.pairs[i],
                       static_cast<double>(sums.product) * n /
                           (static_cast<double>(sums.before) * static_cast<double>(sums.after))});
    }
  }
  return curve;
}

struct TwoTime::Impl {
  QRings rings;
  std::uint64_t most;
  mutable ThreadPool pool;
  std::vector<Pixels> frames;

  Impl(QRings r, std::uint64_t m, unsigned threads) : rings(std::move(r)), most(m), pool(threads) {}
};

TwoTime::TwoTime(QRings rings, std::uint64_t most_frames, unsigned threads)
    : impl_(std::make_unique<Impl>(std::move(rings), most_frames, threads)) {}
TwoTime::~TwoTime() = default;
TwoTime::TwoTime(TwoTime&&) noexcept = default;
TwoTime& TwoTime::operator=(TwoTime&&) noexcept = default;

Result<void> TwoTime::add(const ArrayView& image) {
  if (impl_->frames.size() == impl_->most)
    return Error{Errc::usage, "two-time: more than " + std::to_string(impl_->most) + " frames"};
  ETALON_ASSIGN(Pixels pixels, take(impl_->rings, image));
  impl_->frames.push_back(std::move(pixels));
  return {};
}

Array TwoTime::matrix(std::size_t ring) const {
  const auto& frames = impl_->frames;
  const std::size_t n = frames.size(), from = impl_->rings.begin[ring],
                    to = impl_->rings.begin[ring + 1];
  Array matrix(DType::f64, {n, n});
  const std::span<double> values = matrix.as<double>();
  impl_->pool.for_each(n, [&](std::size_t a) {
    for (std::size_t b = a; b < n; ++b) {
      const double both =
          static_cast<double>(frames[a].sums[ring]) * static_cast<double>(frames[b].sums[ring]);
      const auto sum = static_cast<double>(product(frames[a], frames[b], from, to));
      values[a * n + b] = values[b * n + a] = both > 0 ? sum * static_cast<double>(to - from) / both
                                                       : std::numeric_limits<double>::quiet_NaN();
    }
  });
  return matrix;
}

}  // namespace etalon
